"""The bucket that a run writes to, looked at before the run is sent."""

from typing import Any

_SECONDS = 10.0


def find_bucket(bucket: str, project: str, credentials: Any) -> str:
    """Look for a bucket: `found`, `absent`, or why that cannot be told from here.

    Args:
        bucket: its name, without `gs://`.
        project: who is asked on behalf of.
        credentials: of google.auth.
    """
    from google.api_core.exceptions import GoogleAPICallError, NotFound
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import storage
    from requests.exceptions import RequestException

    client = storage.Client(project=project, credentials=credentials)
    try:
        client.get_bucket(bucket, timeout=_SECONDS, retry=None)
    except NotFound:
        return "absent"
    except GoogleAPICallError as error:
        # Who may write objects need not be allowed to see the bucket itself.
        return f"Cloud Storage answers {error.code}"
    except (RequestException, GoogleAuthError) as error:
        return f"Cloud Storage cannot be reached ({type(error).__name__})"
    finally:
        client.close()
    return "found"
