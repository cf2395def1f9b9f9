import runtime as runtime  # every command says in one line what the machine lacks
