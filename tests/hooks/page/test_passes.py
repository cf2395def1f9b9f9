"""What the passes do to a page: wide tables become rows on a phone, options stay whole, code stays light."""

import pytest

from hooks.page.passes import PASSES, frames, lean, options
from tests.support.sheets import passed, sheet, the_guide

TABLE = (
    '<table>\n<thead>\n<tr>\n<th>Fault</th>\n<th>Users <em>see</em></th>\n<th>"You" notice</th>\n</tr>\n</thead>\n'
    "<tbody>\n<tr>\n<td>Killed</td>\n<td>Nothing</td>\n<td>A log</td>\n</tr>\n</tbody>\n</table>"
)


def through(step, markup: str) -> str:
    return passed(markup, step, sheet(""), the_guide())


def test_each_cell_of_a_wide_table_names_its_column():
    page = through(frames, f"<p>Before</p>{TABLE}")
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
        framed = f'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">{table}</div></div>'
        assert through(frames, table) == framed


def test_a_table_with_a_class_is_left_alone():
    table = TABLE.replace("<table>", '<table class="overview">')
    assert through(frames, table) == table


def test_options_in_a_sentence_are_kept_whole_and_nothing_else_is_touched():
    kept = (
        '<code>npx wrangler deploy <span class="option">--dry-run</span> <span class="option">-c</span> a-b.toml</code>'
    )
    assert through(options, "<code>npx wrangler deploy --dry-run -c a-b.toml</code>") == kept
    for other in (
        "<pre><span></span><code>curl --json '{}'</code></pre>",
        "<p>an API -- a name</p>",
        "<code>cf-ray 1-2 --</code>",
    ):
        assert through(options, other) == other


def test_code_loses_only_the_spans_that_colour_nothing():
    code = '<pre><code><span class="k">let</span><span class="w"> </span><span class="nx">a</span></code></pre>'
    assert through(lean, code) == '<pre><code><span class="k">let</span> a</code></pre>'
    assert through(lean, '<p><span class="w"> </span></p>') == '<p><span class="w"> </span></p>'


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.__name__)
def test_text_that_looks_like_markup_stays_text(step):
    text = "<p>&lt;script&gt;alert(1)&lt;/script&gt; <code>--x&lt;b&gt;</code></p>"
    assert "<script" not in through(step, text) and "<b>" not in through(step, text)
