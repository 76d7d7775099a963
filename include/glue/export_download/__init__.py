"""Downloads one HTTPS resource to S3 in parts, and takes up a download that broke off. The one door is `download`.

- `addresses`: which URLs may be asked, also behind a redirect
- `source`: the resource: what it is now, and its bytes from any offset on
- `multipart`: the multipart upload that the bytes go to, begun or found again
- `downloading`: from one to the other, with progress
"""

from export_download.downloading import Downloaded, download
from export_download.source import DownloadRefusedError, Patience, Source

__all__ = ["DownloadRefusedError", "Downloaded", "Patience", "Source", "download"]
