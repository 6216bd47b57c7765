"""How names of Google Cloud and of schedules must look; each check returns a problem as a sentence, or nothing.

What is wrong here is told before the first call is made, all of it at once.
"""

import re
import zoneinfo
from collections.abc import Mapping

# Google's own full names carry the project's number.
_PROJECT = re.compile(r"([a-z][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{4,}")
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")
_BUCKET = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(/[^\s#?*\[\]]*)?")
_SERVICE_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]*@[a-z0-9.-]+\.gserviceaccount\.com")
_NETWORK = re.compile(r"projects/\d+/global/networks/[a-z][a-z0-9-]{0,62}")
_KMS_KEY = re.compile(r"projects/[^/\s]+/locations/([^/\s]+)/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64
_CRON_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, lowest, highest, and the words that stand for numbers, from the lowest up.
_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_CRON_PART = re.compile(r"(?:\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?")


def project_problem(project: str) -> str | None:
    """Check a project id or number."""
    if _PROJECT.fullmatch(project):
        return None
    return (
        f"--project {project!r} is no project id: 6 to 30 lower-case letters, digits and hyphens, a letter first "
        "(not the display name), or the project's number; `gcloud projects list` shows yours"
    )


def region_problem(region: str) -> str | None:
    """Check a region."""
    if _REGION.fullmatch(region):
        return None
    return f"--region {region!r} is no region of Vertex AI; give one such as us-central1 or europe-west4 (no zone)"


def bucket_problem(uri: str) -> str | None:
    """Check where the pipeline's outputs go."""
    if _BUCKET.fullmatch(uri):
        return None
    return f"--staging-bucket {uri!r} is no bucket; give gs://BUCKET or gs://BUCKET/FOLDER"


def bucket_of(uri: str) -> str:
    """The bucket's name of a `gs://` URI that was checked."""
    return uri.removeprefix("gs://").split("/", 1)[0]


def service_account_problem(account: str) -> str | None:
    """Check the e-mail address of a service account."""
    if _SERVICE_ACCOUNT.fullmatch(account):
        return None
    return f"--service-account {account!r} is none; give its address, NAME@PROJECT.iam.gserviceaccount.com"


def network_problem(network: str) -> str | None:
    """Check the full name of a VPC network."""
    if _NETWORK.fullmatch(network):
        return None
    return (
        f"--network {network!r} is no full name; give projects/NUMBER/global/networks/NAME with the project's number "
        "(gcloud projects describe PROJECT --format='value(projectNumber)')"
    )


def kms_key_problem(key: str, region: str) -> str | None:
    """Check the full name of a key, and that it lies where the run does."""
    found = _KMS_KEY.fullmatch(key)
    if found is None:
        return (
            f"--kms-key {key!r} is no full name; give projects/PROJECT/locations/{region}/keyRings/RING/cryptoKeys/KEY"
        )
    if found[1] != region:
        return f"--kms-key lies in {found[1]} and the run in {region}; give a key of {region}"
    return None


def label_problems(labels: Mapping[str, str]) -> list[str]:
    """Check labels of a run."""
    problems = [
        f"label {key}={value}: key and value may have lower-case letters, digits, _ and -, up to 63, the key with "
        "a letter first"
        for key, value in labels.items()
        if not (_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value))
    ]
    if len(labels) > _MOST_LABELS:
        problems.append(f"{len(labels)} labels are given; at most {_MOST_LABELS} are allowed")
    return problems


def cron_problem(schedule: str) -> str | None:
    """Check a schedule: five cron fields, with an optional time zone before them (`TZ=Europe/Berlin 0 3 * * 1`)."""
    zone, cron = split_zone(schedule)
    fields = cron.split()
    if len(fields) != len(_CRON_FIELDS):
        return (
            f"--schedule {schedule!r} has {len(fields)} fields; give five: minute hour day month weekday, such as "
            "'0 3 * * 1' or 'TZ=Europe/Berlin 0 3 * * 1'"
        )
    zones = zoneinfo.available_timezones()
    if zone and zones and zone not in zones:
        return f"--schedule: {zone!r} is no time zone; give a name of the IANA database, such as Europe/Berlin"
    for text, (name, lowest, highest, words) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_fits(part.lower(), lowest, highest, words) for part in text.split(",")):
            allowed = f"{lowest} to {highest}" + (f" or {words[0]} to {words[-1]}" if words else "")
            return (
                f"--schedule: {text!r} is no {name}; allowed are {allowed}, *, ranges (1-5), lists (1,3), steps (*/2)"
            )
    return None


def split_zone(schedule: str) -> tuple[str, str]:
    """A schedule's time zone (empty: UTC) and its cron fields."""
    found = _CRON_ZONE.fullmatch(schedule.strip())
    return (found[1], found[2]) if found else ("", schedule.strip())


def _fits(part: str, lowest: int, highest: int, words: tuple[str, ...]) -> bool:
    found = _CRON_PART.fullmatch(part)
    if found is None or found[3] == "0":
        return False
    ends = [_number(text, lowest, words) for text in found.groups()[:2] if text]
    return all(lowest <= end <= highest for end in ends) and ends == sorted(ends)


def _number(text: str, lowest: int, words: tuple[str, ...]) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    return words.index(text) + lowest if text in words else -1
