"""What starts Workers, PostgreSQL and browsers; and, where the machine lacks something, one line instead of a traceback."""

import sys

from runtime.remedies import hook

sys.excepthook = hook
