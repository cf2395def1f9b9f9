"""Sign the address of a picture in any size: sign.py HASH SIZE [SECONDS].

SIZE is such as 300x200.webp. The environment gives SIGNING_KEY, and PHOTOS_URL where the
address shall start with a host.
"""

import hashlib
import hmac
import os
import sys
import time


# --8<-- [start:sign]
def sign(path: str, key: str, expires: int) -> str:
    """Return path and query that the Worker accepts until then, in Unix seconds."""
    text = f"{path}?expires={expires}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{text}&signature={digest}"


# --8<-- [end:sign]

if __name__ == "__main__":
    picture, size, *seconds = sys.argv[1:]
    until = int(time.time()) + int(seconds[0] if seconds else 3600)
    signed = sign(f"/images/{picture}/{size}", os.environ["SIGNING_KEY"], until)
    print(os.environ.get("PHOTOS_URL", "") + signed)
