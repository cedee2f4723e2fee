"""What each module is for, by its name, and what it may import for that, in folders of any depth.

`lint-imports` holds the arrows between slices (.importlinter). It has no words for "every module but these",
so that is held here: a module has a role, or stands in OTHERS with the role that it is held to, and why.
"""

from collections.abc import Iterator
from typing import NamedTuple

import grimp

WEB, SQL = frozenset({"fastapi", "starlette"}), frozenset({"sqlalchemy", "sqlmodel", "asyncpg"})
OUTSIDE = WEB | SQL | {"httpx"}
"""Packages that not everybody may import."""


class Role(NamedTuple):
    imports: frozenset[str]
    """Roles whose modules these may import."""
    outside: frozenset[str] = frozenset()


PURE = Role(frozenset({"pure"}))
GROUND = frozenset({"pure", "core", "tables", "schemas", "errors", "auth", "mail"})
ROLES = {
    "pure": PURE,
    "blocks": Role(frozenset({"pure", "blocks", "schemas"})),
    "tables": Role(frozenset({"tables"}), SQL),
    "core": Role(frozenset({"core", "pure", "schemas"})),
    "mail": Role(frozenset({"core", "pure", "mail"}), frozenset({"httpx"})),
    "schemas": Role(GROUND - {"tables", "mail"}),
    "errors": Role(GROUND),
    "queries": Role(GROUND - {"schemas"} | {"queries"}, SQL),
    "service": Role(GROUND | {"queries", "service", "blocks"}),
    "jobs": Role(GROUND | {"queries", "service", "sender", "jobs"}),
    "auth": Role(GROUND - {"mail"} | {"queries"}),
    "api": Role(GROUND | {"blocks", "queries", "service", "api"}, WEB),
    "main": Role(GROUND | {"queries", "service", "sender", "jobs", "api", "main", "embedded"}),
    "embedded": Role(frozenset({"core", "embedded"})),
    "sender": Role(GROUND | {"queries", "service"}, frozenset({"httpx"})),
}
NAMES = {
    name: name for name in ("api", "blocks", "errors", "jobs", "queries", "schemas", "service", "tables")
}
NAMES |= dict.fromkeys(("disclosure", "formulas", "rules", "words"), "pure")
"""Of a module, or of a folder all of whose modules have the same role; the outermost says it."""
FOLDERS = {"auth": "auth", "charts": "blocks", "mail": "mail", "cli": "main"}
"""Of the rest of a slice. In `core` and `embedded` a name such as `jobs` says nothing of a role."""

SPEAKS = {
    "HTTP, to requests before a slice sees them, and to answers after": (
        WEB,
        """
        app.auth.admission app.auth.callers app.auth.dependencies app.auth.limits app.auth.shortcuts
        app.core.answers app.core.arguments app.core.bodies app.core.conditional app.core.crossing
        app.core.elsewhere app.core.errors app.core.fairness app.core.frame app.core.idempotency
        app.core.leaving app.core.operations app.core.pages app.core.parameters app.core.requests
        app.core.telemetry app.main app.serving
        """,
    ),
    "SQL, of tables that are no slice's": (
        SQL,
        """
        app.core.audit app.core.backup app.core.bonds app.core.citus app.core.database app.core.errors
        app.core.idempotency app.core.jobs app.core.lines app.core.memory app.core.migrations app.core.newest
        app.core.outbox app.core.reaching app.core.restore app.core.rotation app.core.watching
        """,
    ),
    "HTTP, to others": (frozenset({"httpx"}), "app.core.outbound"),
}
"""What single modules speak that the others of their folder do not."""

OTHERS = {
    "app.scim": ("schemas", "settles how the models of SCIM are loaded"),
    "app.core.languages": ("pure", "languages, and days in words"),
    "app.core.one_line": ("pure", "somebody's text, on one line"),
    "app.core.shipped": ("pure", "files that come along"),
    "app.core.schema": ("schemas", "the base of what goes over the wire"),
    "app.calendar.cards.outcome": ("pure", "what a card's mail may hold"),
    "app.calendar.cards.press": ("service", "a card, drawn in a process of its own"),
    "app.calendar.cards.rendering": ("pure", "a card, drawn"),
    "app.calendar.cards.templates": ("pure", "what a template may say"),
    "app.calendar.cards.values": ("pure", "what an attribute of a template may say"),
    "app.calendar.due": ("service", "which days are due, told to webhooks"),
    "app.calendar.feeds.ics": ("pure", "the calendar format"),
    "app.demo.asking": ("service", "asks people for their answers"),
    "app.demo.comments": ("pure", "what is said in the demo"),
    "app.demo.company": ("pure", "who works in the demo"),
    "app.demo.filling": ("service", "sends the demo through the slices"),
    "app.demo.results": ("pure", "reads what the demo has to show"),
    "app.demo.screen": ("service", "what the terminal shows meanwhile"),
    "app.demo.thanks": ("pure", "who thanks whom in the demo"),
    "app.demo.waves": ("pure", "how the demo answers its surveys"),
    "app.imports.client": ("sender", "the command that sends a file to a service"),
    "app.imports.files.shipped_mappings": ("pure", "files that come along"),
    "app.imports.files.workbook": ("pure", "a workbook, row by row"),
    "app.imports.run.loaders": ("service", "a line of a file, to the slice it belongs to"),
    "app.imports.run.reporting": ("service", "what a report says of a file"),
    "app.imports.run.runner": ("service", "an import from its file to its report"),
    "app.imports.run.sealed_file": ("service", "a file's chunks, sealed and opened"),
    "app.imports.run.transcript": ("service", "a file of any kind, as UTF-8 in lines"),
    "app.mail.letters": ("pure", "a letter, as text and HTML"),
    "app.mail.planned": ("service", "what becomes of a planned mail"),
    "app.mail.windows": ("pure", "when something is sent"),
    "app.metrics.definitions": ("schemas", "definitions.yaml, read"),
    "app.metrics.names": ("blocks", "the metrics there are, with their models"),
    "app.metrics.releases.builder": ("service", "from a closed survey to its release"),
    "app.metrics.releases.linkage": ("service", "who answered two waves"),
    "app.metrics.releases.previous_wave": ("service", "the release before"),
    "app.metrics.releases.progress": ("service", "how far a release is computed"),
    "app.metrics.releases.response_matrix": ("service", "a survey's answers as numbers"),
    "app.metrics.releases.turnover": ("service", "who left after a wave"),
    "app.metrics.sample": ("pure", "the answers that formulas are given"),
    "app.metrics.views.context": ("service", "what there is to ask for"),
    "app.metrics.views.filters": ("service", "which groups a request means"),
    "app.metrics.views.groups": ("service", "metrics of one group"),
    "app.metrics.views.outcomes": ("service", "metrics beside an organisation's own numbers"),
    "app.metrics.views.screens": ("service", "several metrics in one answer"),
    "app.metrics.views.sentences": ("blocks", "what the numbers say, in words"),
    "app.newsletter.issues": ("service", "a month, put together"),
    "app.newsletter.rendering": ("blocks", "a month, as a mail"),
    "app.privacy.export.page": ("api", "one's own answers as a page to read"),
    "app.privacy.export.links": ("service", "one link, to one's own data"),
    "app.recognition.chat.signatures": ("pure", "is it the chat that speaks"),
    "app.scim.deviations": ("pure", "how providers differ from the standard"),
    "app.scim.errors": ("api", "SCIM has errors of its own, so this answers HTTP"),
    "app.scim.filters": ("pure", "the standard's language of filters"),
    "app.scim.groups.mapping": ("schemas", "a team as SCIM sees one"),
    "app.scim.rooms": ("api", "all that is mounted of it"),
    "app.scim.mapping": ("schemas", "how SCIM names and places its resources"),
    "app.scim.users.attributes": ("pure", "what attributes of a user mean here"),
    "app.scim.users.mapping": ("schemas", "a person as SCIM sees one, and back"),
    "app.surveys.invitations.letters": ("service", "what a survey's mails say, for its row"),
    "app.surveys.invitations.own_words": ("service", "what is wrong with own words of a survey's mails"),
    "app.surveys.invitations.status": ("service", "what became of its mails"),
    "app.surveys.invitations.reminders.mailing": ("service", "reminders, mailed"),
    "app.surveys.invitations.preview": ("service", "the mails as they would go out"),
    "app.surveys.invitations.mailing": ("service", "invitations, mailed"),
    "app.surveys.invitations.sheets": ("service", "codes on paper"),
    "app.surveys.invitations.tokens": ("service", "seals a token, with the core's keys"),
    "app.surveys.respond.forms": ("service", "a questionnaire as who is asked reads it"),
    "app.surveys.respond.words": (
        "service",
        "what a questionnaire's page says, for the row of a survey",
    ),
    "app.surveys.questionnaires.built_in": ("pure", "files that come along"),
    "app.webhooks.delivery": ("sender", "sends what webhooks wait for"),
    "app.main": ("main", "puts the service together"),
    "app.serving": ("main", "runs it"),
    "app.__main__": ("main", "the commands"),
}
EXCEPTIONS = {
    ("app.metrics.releases.queries", "app.metrics.names"): "what is stored bears the name of its metric",
}
"""Imports that no role allows."""


def faults(
    graph: grimp.ImportGraph,
    root: str = "app",
    others: dict[str, tuple[str, str]] = OTHERS,
    exceptions: dict[tuple[str, str], str] = EXCEPTIONS,
) -> set[str]:
    """What is wrong with the modules of this graph, and with the two lists."""
    modules = {module for module in graph.modules if module.split(".")[0] == root}
    roles = {module: role_of(module, others) for module in modules}
    forbidden = {
        (module, imported)
        for module, role in roles.items()
        for imported in graph.find_modules_directly_imported_by(module)
        if not may_import(role, imported, roles, spoken_by(module))
    }
    return {
        *(f"{module} has no role" for module in modules if not roles[module] and not is_empty(module, graph)),
        *(f"{module} must not import {imported}" for module, imported in forbidden - set(exceptions)),
        *(f"{module} is listed, but is not there" for module in set(others) - modules),
        *(f"{module} does not import {imported}" for module, imported in set(exceptions) - forbidden),
    }


def role_of(module: str, others: dict[str, tuple[str, str]] = OTHERS) -> str:
    """By the list; by the outermost folder that says it; by the slice. '' if nothing says it."""
    return next(iter(_roles(module, others)), "")


def _roles(module: str, others: dict[str, tuple[str, str]]) -> Iterator[str]:
    parts = module.split(".")[1:]
    if module in others:
        yield others[module][0]
    yield from (part for part in parts[:1] if part in ("core", "embedded"))
    yield from (NAMES[part] for part in parts if part in NAMES)
    yield from (FOLDERS[part] for part in parts[:1] if part in FOLDERS)


def may_import(role: str, imported: str, roles: dict[str, str], spoken: frozenset[str] = frozenset()) -> bool:
    if not role:
        return False
    if imported in roles:
        return roles[imported] in ROLES[role].imports
    return imported not in OUTSIDE - ROLES[role].outside - spoken


def spoken_by(module: str) -> frozenset[str]:
    spoken = [packages for packages, modules in SPEAKS.values() if module in modules.split()]
    return frozenset().union(*spoken)


def silent(graph: grimp.ImportGraph) -> set[str]:
    """Modules that are listed as speaking what they do not."""
    return {
        module
        for packages, modules in SPEAKS.values()
        for module in modules.split()
        if module not in graph.modules or not packages & graph.find_modules_directly_imported_by(module)
    }


def is_empty(module: str, graph: grimp.ImportGraph) -> bool:
    """A folder, of which nothing but its modules is said."""
    return bool(graph.find_children(module)) and not graph.find_modules_directly_imported_by(module)
