"""Tables scroll in a frame, and wide ones become rows on a phone."""

from hooks.framed_tables import framed

TABLE = (
    '<table>\n<thead>\n<tr>\n<th>Fault</th>\n<th>Users <em>see</em></th>\n<th>"You" notice</th>\n</tr>\n</thead>\n'
    "<tbody>\n<tr>\n<td>Killed</td>\n<td>Nothing</td>\n<td>A log</td>\n</tr>\n</tbody>\n</table>"
)


def test_each_cell_of_a_wide_table_names_its_column():
    page = framed(f"<p>Before</p>{TABLE}")
    assert page.startswith('<p>Before</p><div class="md-typeset__scrollwrap rows">')
    assert (
        '<td>Killed</td>\n<td data-label="Users see">Nothing</td>\n<td data-label="&quot;You&quot; notice">A log</td>'
        in page
    )


def test_numbers_stay_in_columns_and_rows_with_a_heading_and_two_columns_stay_a_table():
    numbers = TABLE.replace("<td>A log", '<td align="right">9')
    headed = TABLE.replace("<td>Killed</td>", '<th scope="row">Killed</th>')
    two = TABLE.replace('\n<th>"You" notice</th>', "").replace("\n<td>A log</td>", "")
    for table in (numbers, headed, two):
        assert (
            framed(table) == f'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">{table}</div></div>'
        )


def test_a_table_with_a_class_is_left_alone():
    table = TABLE.replace("<table>", '<table class="overview">')
    assert framed(table) == table
