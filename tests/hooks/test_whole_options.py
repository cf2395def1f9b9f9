"""An option of a command in a sentence stays in one piece; that no line breaks in it is shown in Chromium."""

from tests.site.test_print import whole


def test_options_in_a_sentence_are_kept_whole_and_nothing_else_is_touched():
    kept = (
        '<code>npx wrangler deploy <span class="option">--dry-run</span> <span class="option">-c</span> a-b.toml</code>'
    )
    assert whole("<code>npx wrangler deploy --dry-run -c a-b.toml</code>") == kept
    for other in (
        "<pre><span></span><code>curl --json '{}'</code></pre>",
        "<p>an API -- a name</p>",
        "<code>cf-ray 1-2 --</code>",
    ):
        assert whole(other) == other
