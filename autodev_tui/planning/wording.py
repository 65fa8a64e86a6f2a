"""The words that the fast lane (S05) knows, in English and Filipino: actions, order, conditions, urgency."""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """The words of the text."""
    return frozenset(text.split())


ACTIONS = word_set(
    """add adjust allow apply audit avoid bring build bump bundle change check clean cleanup close collect
    configure connect convert copy correct create debug decide delete deploy describe design detect disable
    document drop edit enable ensure evaluate expand explain explore export expose extend extract find
    finish fix format generate get give handle heal hide implement import improve inspect install integrate
    introduce investigate keep limit lint list load localize log look lower make mark measure mend merge
    migrate mock modernize modernise monitor move name normalize open optimize optimise organize organise
    parse pin polish port prepare prevent print profile publish put raise read rebuild record redesign
    reduce refactor regenerate release remove rename reorganize repair replace report reset resolve restore
    restructure retry return review reword rewrite run save scan search secure send separate set show
    simplify solve sort speed split start stop store support swap switch tag test tidy track translate trim
    try turn type unify update upgrade use validate verify wire wrap write ayusin ayosin alamin alisin
    baguhin basahin bawasan bilisan buksan bumuo burahin buuin dagdagan dalhin gamitin gawan gawin gumamit
    gumawa hanapin hatiin idagdag idokumento ihanda ilagay ilipat ipakita ipasa isalin isama isara isulat
    itago itigil kopyahin kumpunihin lagyan likhain linisin magdagdag maglagay magsulat magdokumento
    pabilisin pagandahin pag-aralan palitan panatilihin patakbuhin paikliin pasimplehin siguraduhin
    siguruhin simulan subukan sulatin suriin tanggalin tapusin tignan tingnan tukuyin"""
)
"""First words of a clause that ask for something to be done."""
FILIPINO_ACTION = re.compile(r"(?:i|mag|pag|paki|ipa|um|pa)-[^\W\d_][\w-]*|paki[^\W\d_]{3,}", re.IGNORECASE)
"""Verbs made by a prefix, English ones too: `i-fix`, `mag-add`, `paki-update`."""

POLITE = word_set(
    """please kindly pls plz just also and at but or so now ok okay hey hi hello can could would will you we i
    need needs want wants to should must lets let let's us i'd like gusto ko kong mo ninyo natin namin sana
    pwede puwede bang ba nga naman rin din lang muna na pong po pakiusap kailangan kailangang dapat paki
    ngayon like urgent important critical asap priority todo task goal p0 p1 p2 p3 importante mahalaga agad"""
)
"""Words that may stand before what is asked for."""
NO_ACTION = word_set(
    """it this that these those there here because since although which who whose they he she its their the a
    an our my your his her e.g i.e eg ie namely so otherwise note nota tandaan dahil kasi ito iyon iyan yung
    ang mga"""
)
"""First words of a clause that tell something of the clause before."""

LAST = (
    r"finally|lastly|last\s+of\s+all|in\s+the\s+end|at\s+the\s+end|panghuli|pinakahuli|sa\s+huli|sa\s+wakas"
)
SEQUENCE = re.compile(
    rf"(?:(?:and|at|&)\s+)?(?P<last>{LAST})\b"
    r"|(?:(?:and|at|&)\s+)?(?P<next>then|after\s+that|after\s+this|afterwards?|next|thereafter|subsequently"
    r"|pagkatapos(?!\s+(?:ng|nang|mong|kong|ang)\b)(?:\s+(?:noon|nito|niyan|niyon))?|tapos(?!\s+(?:na|ko)\b)"
    r"|tsaka|at\s+saka|saka|(?:ka|su)?sunod(?:\s+(?:ay|naman|dito))?"
    r"|secondly|thirdly|second(?=\s*,)|third(?=\s*,)|pangalawa|ikalawa|pangatlo|ikatlo)\b"
    r"|(?P<first>first(?:ly)?|first\s+of\s+all|to\s+begin\s+with|una(?:\s+sa\s+lahat)?|una\s+muna)\b"
    r"(?!-)",
    re.IGNORECASE,
)
"""Words of order; at the beginning of a clause, or before an action."""
BEFORE = re.compile(r"bago\s+(?=(?:i|mag|pag|paki)-|mo\b|natin\b)", re.IGNORECASE)
"""`X bago Y`: first X, then Y; also `bago` alone means new, so that a verb must follow."""

OTHERWISE = re.compile(
    r"(?:(?:or|at|o)\s+)?(?:otherwise|else|if\s+not|kung\s+hindi(?=\s*,)|kundi)\b", re.IGNORECASE
)
CONDITION = re.compile(
    r"(?:only\s+)?(?:if|when(?:ever)?|once|unless|as\s+long\s+as|provided\s+that|in\s+case"
    r"|maliban\s+kung|kung\s+sakaling|kung|kapag|pag|sakaling|hangga(?:'|’)t|basta)(?=\s)",
    re.IGNORECASE,
)
"""At the beginning of a clause it guards what follows."""
TRAILING = re.compile(
    r"(?:,\s*|\s+)(?P<condition>(?:but\s+)?(?:only\s+)?(?:if|unless|once|as\s+long\s+as|provided\s+that|in\s+case"
    r"|maliban\s+kung|kung|kapag|basta)\s+(?P<what>\S.*))$",
    re.IGNORECASE | re.DOTALL,
)
"""At the end it guards only where it speaks of the work itself; else it tells what the code shall do."""
ABOUT_THE_WORK = re.compile(
    r"\b(?:tests?|suite|checks?|builds?|lint(?:er|ing)?|types?|ci|pipeline|coverage|review(?:ed)?|approved?|time"
    r"|needed|necessary|required|possible|green|red|pass(?:es|ed|ing)?|fail(?:s|ed|ing)?|works?|safe|everything"
    r"|nothing\s+breaks|breaks?|done|finished|ready|gumagana|gumana|pumasa|pumapasa|pasado|bumagsak|bumabagsak"
    r"|sira|kailangan|kaya|pwede|puwede|oras|tapos|handa|maayos)\b",
    re.IGNORECASE,
)
CRITERION = re.compile(
    r"\b(?:should|must|shall|ensures?|make\s+sure|so\s+that|expect(?:s|ed)?|dapat|siguraduhing?|siguruhing?)\b",
    re.IGNORECASE,
)
CRITERIA_HEADING = re.compile(
    r"\W*(?:acceptance(?:\s+criteria)?|criteria|definition\s+of\s+done|done\s+when|it\s+is\s+done\s+when"
    r"|tapos\s+kapag|pamantayan)\W*$",
    re.IGNORECASE,
)

NOT_URGENT = re.compile(
    r"\b(?:(?:not|isn't|hindi|di)\s+(?:\w+\s+)?(?:urgent|important|a\s+priority|priority|importante|mahalaga)"
    r"|no\s+(?:rush|hurry)|low[\s-]+priority|nice[\s-]+to[\s-]+have|some\s?day|when(?:ever)?\s+there\s+is\s+time"
    r"|kung\s+may\s+oras|saka\s+na)\b",
    re.IGNORECASE,
)
URGENT = re.compile(
    r"\b(?:urgent(?:ly)?|asap|immediately|right\s+away|critical|blocker|emergency|top\s+priority|agad(?:-agad)?"
    r"|kaagad|ngayon\s+na|apurahan|madalian|p0)\b",
    re.IGNORECASE,
)
IMPORTANT = re.compile(
    r"\b(?:(?:high[\s-]+)?priority|important(?:ly)?|importante(?:ng)?|mahalaga(?:ng)?|prayoridad|p1)\b",
    re.IGNORECASE,
)
NAMED_PRIORITY = re.compile(r"(?<!\w)\[?p([0-4])\]?(?!\w)", re.IGNORECASE)

_BACK = r"(?:it|them|that|this|those|these|ito|iyon|iyan|nito|niyon|niyan|yon|yan)"
BACK = re.compile(
    rf"(?:[^\s,.;:]+\s+){{0,3}}{_BACK}\b|(?:\S+\s+){{1,6}}(?:for|of|to|with|in|from|on|about|para\s+sa)\s+{_BACK}\b",
    re.IGNORECASE,
)
"""Near the beginning of a clause it means what the clause before was about."""
NAMED_BEFORE = re.compile(
    r"\b(?:after|depends?\s+on|needs|once|pagkatapos\s+ng|kailangan\s+ang)\s+(?:step|task|item|no\.?|number|#|t)\s*"
    r"(?P<number>\d{1,3})\b",
    re.IGNORECASE,
)
ALWAYS_GUARDS = re.compile(r"(?:but\s+)?(?:only\s+if|unless|maliban\s+kung)\b", re.IGNORECASE)
"""At the end of a clause, too, whatever it speaks of."""
GOES_ON = frozenset(("and", "at", "but", "or", "ngunit", "pero"))
"""A sentence that begins so belongs to the one before."""
ABBREVIATIONS = frozenset(
    ("e.g", "i.e", "etc", "vs", "cf", "approx", "incl", "mr", "ms", "dr", "no", "st", "fig")
)


def first_words(text: str, at_most: int = 8) -> list[str]:
    """The first words, lowered, without what surrounds them."""
    words = []
    for word in text[:400].split()[:at_most]:
        bare = word.strip(".,:;!?()[]{}<>*_\"'“”‘’`#@").lower()
        if bare:
            words.append(bare)
    return words


def is_action(word: str) -> bool:
    """Whether the word, lowered, asks for something to be done."""
    return word in ACTIONS or bool(FILIPINO_ACTION.fullmatch(word))


def asks(text: str) -> bool:
    """Whether the clause begins with an action, after words of politeness."""
    for word in first_words(text):
        if is_action(word):
            return True
        if word not in POLITE:
            return False
    return False
