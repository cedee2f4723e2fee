/** What the columns of a file of people mean: guessed by their names, said by whoever uploads it, told to the service. */

/**
 * @typedef {"external_id" | "name" | "surname" | "email" | "team" | "manager" | "starts_on" | "ends_on" | "locale"} Member   surname: where it stands apart
 * @typedef {Record<Member, string> & {by: "id" | "email" | "name", segments: string[], dates: "day" | "month" | "iso", create_teams: boolean}} Meaning   by: how a manager is named
 */

/** @type {Record<Member, string[]>} */
const NAMES = {
  external_id: ["external_id", "personeelsnummer", "medewerkernummer", "persoonsnummer", "nummer", "employee number", "employee id", "employee #", "medewerker", "id", "number"],
  name: ["name", "naam", "volledige naam", "full name", "display name", "medewerker naam", "voornaam", "roepnaam", "first name", "given name"],
  surname: ["achternaam", "last name", "surname", "family name"],
  email: ["email", "e-mail", "mail", "e-mailadres", "email address", "work email", "werk e-mail", "email werk"],
  team: ["team", "afdeling", "department", "organisatorische eenheid", "unit", "groep"],
  manager: ["manager", "leidinggevende", "manager id", "supervisor", "reports to", "leidinggevende nummer"],
  starts_on: ["starts_on", "in dienst", "datum in dienst", "startdatum", "start date", "hire date", "begindatum"],
  ends_on: ["ends_on", "uit dienst", "datum uit dienst", "einddatum", "end date", "termination date"],
  locale: ["locale", "taal", "language"],
};
/** Columns that are likely something to break down by. */
const SEGMENTS = ["locatie", "location", "vestiging", "site", "functie", "function", "job title", "functiegroep", "contract", "dienstverband", "land", "country", "regio", "region", "diensttijd", "tenure"];
const FORMATS = { day: ["%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%y"], month: ["%m/%d/%Y", "%m-%d-%Y"], iso: [] };
const FIRST_NAMES = ["voornaam", "roepnaam", "first name", "given name"];

export const MEMBERS = /** @type {Member[]} */ (Object.keys(NAMES));

/** A mapping that no file fits, so that the service says which columns this one has. */
export const NONE = JSON.stringify({ columns: { external_id: "?", name: "?" } });

/** As the service compares them. @param {string} name */
const plainly = (name) => name.normalize("NFKC").replace(/[^\p{L}\p{N}#]/gu, "").toLowerCase();

/** @param {string[]} columns @returns {Meaning} */
export function guess(columns) {
  const free = new Set(columns);
  const take = (/** @type {string[]} */ names) => {
    const found = names.flatMap((name) => [...free].filter((column) => plainly(column) === plainly(name)))[0] ?? "";
    free.delete(found);
    return found;
  };
  const found = /** @type {Record<Member, string>} */ (Object.fromEntries(MEMBERS.map((member) => [member, take(NAMES[member])])));
  if (!FIRST_NAMES.some((name) => plainly(name) === plainly(found.name))) found.surname = "";
  const segments = [...free].filter((column) => column.startsWith("segments.") || SEGMENTS.some((name) => plainly(name) === plainly(column)));
  return { ...found, by: "id", segments, dates: "day", create_teams: true };
}

/** Of whom they tell apart one by one, which no result is broken down by. */
const OF_ONE = /^naam|(voor|achter|roep|geslachts|meisjes)naam|voorletters|initial|^name$|(first|last|full|given|family|sur|display) ?name|mail|(personeels|medewerker|persoons|employee|person|staff) ?(nummer|nr|number|id)|birth|geboort|\b(bsn|ssn|iban)\b|adres|address|telefoon|phone|mobiel|mobile|postcode|zip|datum|\bdate\b|salar|wage|loon/i;

/** The columns that results may be broken down by: none that is another field already, or somebody's alone. @param {string[]} columns @param {Meaning} chosen */
export const segmentable = (columns, chosen) => columns.filter((column) => chosen.segments.includes(column) || (!MEMBERS.some((member) => chosen[member] === column) && !OF_ONE.test(column)));

/** Of what a column is called, the name of a segment: small letters and digits. @param {string} column */
export function segmentOf(column) {
  const plain = column.replace(/^segments\./, "").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "");
  return plain.slice(0, 50) || "segment";
}

/** As the service reads it. @param {Meaning} meaning */
export function mappingOf(meaning) {
  const { name, surname, manager, by, segments, dates, create_teams } = meaning;
  const told = surname ? { join: [name, surname] } : name;
  /** @type {Record<string, unknown>} */
  const columns = { external_id: meaning.external_id, name: told };
  for (const member of /** @type {Member[]} */ (["email", "team", "starts_on", "ends_on", "locale"])) if (meaning[member]) columns[member] = meaning[member];
  if (manager && by === "id") columns.manager = manager;
  if (manager && by === "email") Object.assign(columns, { "lookup.manager_email": manager, "lookup.email": meaning.email });
  if (manager && by === "name") Object.assign(columns, { "lookup.manager_name": manager, "lookup.name": told });
  for (const column of segments) columns[`segments.${segmentOf(column)}`] = column;
  return JSON.stringify({ columns, dates: FORMATS[dates], create_teams });
}
