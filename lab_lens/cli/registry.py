"""`lab-lens registry list|show|history|verify|promote|prune|sync`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab_lens.cli.arguments import Command, Parser, Subparsers, actor, add_actor, add_command, add_group, add_registry
from lab_lens.cli.console import say, say_table
from lab_lens.errors import EXIT_DONE, EXIT_GATE, InputError

if TYPE_CHECKING:
    from lab_lens.registry.base import DamagedVersion, ModelVersion, Pointers, Registry

_SHOWN_HASH_CHARS = 12


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-commands."""
    actions = add_group(
        subparsers, "registry", summary="Show, check and keep a model registry.", example="lab-lens registry list"
    )
    _add(actions, "list", run_list, "Versions, and what the aliases stand for.")
    show = _add(actions, "show", run_show, "What is known of one version.", " production")
    history = "Who changed production, when, why, from which version to which."
    _add(actions, "history", run_history, history)
    verify = _add(
        actions, "verify", run_verify, "Hash the files of versions; exit status 3 when one is not as registered.", " v2"
    )
    promote = _add(
        actions,
        "promote",
        run_promote,
        "Put a version into production by hand; deploy-model also tries it out and moves traffic.",
        ' v2 --reason "approved by the board"',
    )
    prune = _add(
        actions,
        "prune",
        run_prune,
        "Delete the model files of old versions, never of an alias's.",
        " --keep 5 --dry-run",
    )
    _add(
        actions,
        "sync",
        run_sync,
        "Bring Vertex AI into step with a vertex:// registry, which it shows.",
        ' --registry "vertex://my-project/europe-west4/discharge-notes?store=gs://my-bucket/model_registry"',
    )
    for parser in (show, promote):
        parser.add_argument("version", metavar="VERSION", help="name, or candidate, production, previous")
    verify.add_argument("versions", nargs="*", metavar="VERSION", help="names or aliases; default: all")
    _add_promote_arguments(promote)
    _add_prune_arguments(prune)


def _add(actions: Subparsers, name: str, run: Command, summary: str, arguments: str = "") -> Parser:
    parser = add_command(actions, name, run, summary=summary, example=f"lab-lens registry {name}{arguments}")
    add_registry(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _add_promote_arguments(parser: Parser) -> None:
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; recorded in the history")
    parser.add_argument(
        "--force", action="store_true", help="also a version that no decision wanted in production; recorded"
    )
    add_actor(parser)


def _add_prune_arguments(parser: Parser) -> None:
    words = "how many of the newest versions stay, beside those that aliases stand for"
    parser.add_argument("--keep", required=True, type=_count, metavar="N", help=words)
    parser.add_argument("--dry-run", action="store_true", help="only tell which versions would go")
    parser.add_argument("--reason", metavar="TEXT", help="why; default: how many were to be kept")
    add_actor(parser)


def run_list(arguments: argparse.Namespace) -> int:
    """List versions."""
    registry = _existing(arguments.registry)
    pointers, versions = registry.pointers(), registry.list_versions()
    if arguments.json:
        _say_json({**asdict(pointers), **_sound_and_damaged(versions)})
        return EXIT_DONE
    rows = [(item.version, _roles(pointers, item.version), *_listed(item)) for item in versions]
    columns = ("version", "role", "verdict", "ROUGE-L", "created", "by", "content")
    _say_rows(columns, rows, f"{arguments.registry} has no versions yet")
    return EXIT_DONE


def run_show(arguments: argparse.Namespace) -> int:
    """Show one version."""
    from lab_lens.registry.base import PRUNED

    registry = _existing(arguments.registry)
    version = registry.show(arguments.version)
    pruned = any((entry.action, entry.to_version) == (PRUNED, version.version) for entry in registry.history())
    told = {
        **asdict(version),
        "role": _roles(registry.pointers(), version.version),
        "model": None if pruned else registry.model_uri(version.version),
    }
    if arguments.json:
        _say_json(told)
        return EXIT_DONE
    say_table(("", ""), list(_facts(version, told)))
    return EXIT_DONE


def run_history(arguments: argparse.Namespace) -> int:
    """Show the history."""
    entries = _existing(arguments.registry).history()
    if arguments.json:
        _say_json([asdict(entry) for entry in entries])
        return EXIT_DONE
    rows = [
        (entry.when, entry.who, entry.action, entry.from_version or "-", entry.to_version or "-", entry.why)
        for entry in entries
    ]
    _say_rows(("when", "who", "action", "from", "to", "why"), rows, f"{arguments.registry} has no history yet")
    return EXIT_DONE


def run_verify(arguments: argparse.Namespace) -> int:
    """Hash versions; `EXIT_GATE` when one is not what was registered."""
    registry = _existing(arguments.registry)
    names = arguments.versions or [version.version for version in registry.list_versions()]
    problems = {name: registry.verify(name) for name in names}
    if arguments.json:
        _say_json(problems)
    else:
        rows = [(name, problem) for name, found in problems.items() for problem in found or ["intact"]]
        _say_rows(("version", "files"), rows, f"{arguments.registry} has no versions yet")
    return EXIT_GATE if any(problems.values()) else EXIT_DONE


def run_promote(arguments: argparse.Namespace) -> int:
    """Promote by hand."""
    from lab_lens.registry.promotion import promote_by_hand

    registry = _existing(arguments.registry)
    entry = promote_by_hand(
        registry, arguments.version, actor=actor(arguments), reason=arguments.reason, force=arguments.force
    )
    if arguments.json:
        _say_json(asdict(entry))
    else:
        say(f"production: {entry.to_version} (before: {entry.from_version or 'nothing'})")
    return EXIT_DONE


def run_prune(arguments: argparse.Namespace) -> int:
    """Prune, or tell what would be pruned."""
    reason = arguments.reason or f"the newest {arguments.keep} were to be kept"
    pruned = _existing(arguments.registry).prune(
        arguments.keep, actor=actor(arguments), reason=reason, dry_run=arguments.dry_run
    )
    if arguments.json:
        _say_json({"dry_run": arguments.dry_run, "pruned": pruned})
    else:
        say(f"{'would be pruned' if arguments.dry_run else 'pruned'}: {', '.join(pruned) or 'nothing'}")
    return EXIT_DONE


def run_sync(arguments: argparse.Namespace) -> int:
    """Bring Vertex AI into step."""
    from lab_lens.registry.open import VERTEX_SCHEME

    if not arguments.registry.startswith(VERTEX_SCHEME):
        raise InputError(
            f"{arguments.registry} is shown nowhere else, so there is nothing to bring into step; "
            "give vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX"
        )
    from lab_lens.registry.vertex import VertexRegistry

    registry = VertexRegistry(arguments.registry)
    registry.sync()
    if arguments.json:
        _say_json({"in_step": True, **asdict(registry.pointers())})
    else:
        say(f"Vertex AI shows the registry as it is; production: {registry.production() or 'nothing'}")
    return EXIT_DONE


def _listed(item: "ModelVersion | DamagedVersion") -> tuple[str, ...]:
    """Verdict, score, time, actor and content of a version in the list; of a damaged one, that it is."""
    from lab_lens.registry.base import DamagedVersion

    if isinstance(item, DamagedVersion):
        return ("damaged", "-", "-", "-", "-")
    score = _shown(item.metrics.get("rougeL"))
    return (item.verdict, score, item.created, item.actor, item.content_hash[:_SHOWN_HASH_CHARS])


def _sound_and_damaged(versions: "Sequence[ModelVersion | DamagedVersion]") -> dict[str, Any]:
    """What `list --json` tells of versions: whole metadata, and by name the problem of each that is damaged."""
    from lab_lens.registry.base import DamagedVersion

    damaged = {item.version: item.problem for item in versions if isinstance(item, DamagedVersion)}
    sound = [asdict(item) for item in versions if item.version not in damaged]
    return {"versions": sound, "damaged": damaged}


def _facts(version: "ModelVersion", told: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of what `show` tells, a line each."""
    plain = ("version", "role", "verdict", "created", "actor")
    hashes = ("content_hash", "decision_hash", "config_hash", "data_hash", "code_hash", "decoding_hash")
    facts = [(name, str(told[name] or "-")) for name in plain]
    facts.append(("model", told["model"] or "pruned: its files are gone"))
    facts += [(name, str(told[name] or "-")) for name in hashes]
    facts += [(f"metric {name}", _shown(value)) for name, value in version.metrics.items()]
    facts += [(f"document {name}", sha) for name, sha in version.document_hashes.items()]
    return facts + [(f"link {name}", link) for name, link in version.links.items()]


def _say_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    if rows:
        say_table(columns, rows)
    else:
        say(empty)


def _say_json(value: object) -> None:
    say(json.dumps(value, indent=2, ensure_ascii=False))


def _existing(location: str) -> "Registry":
    from lab_lens.registry.open import is_elsewhere, open_registry

    if not is_elsewhere(location) and not Path(location).exists():
        raise InputError(f"no model registry at {location}; the first lab-lens run or register-model makes one")
    return open_registry(location)


def _roles(pointers: "Pointers", version: str) -> str:
    return ", ".join(alias for alias, named in asdict(pointers).items() if named == version)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of versions; give 0 or more")
    return int(text)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
