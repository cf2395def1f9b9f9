"""Two programs that send a backup and report how it went; their token has expired."""

import httpx


# --8<-- [start:wrong]
def hopeful(client: httpx.Client, backup: bytes) -> bool:
    answer = client.post("/backups", content=backup, follow_redirects=True)
    return answer.is_success  # a sign-in page is a success too
    # --8<-- [end:wrong]


# --8<-- [start:right]
def careful(client: httpx.Client, backup: bytes) -> bool:
    answer = client.post("/backups", content=backup, follow_redirects=False)
    return answer.status_code == 201 and answer.json() == {"stored": True}
    # --8<-- [end:right]
