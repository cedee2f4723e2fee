/** Words of the page on which the first organisation is made. */

/** @typedef {typeof nl} Words @typedef {keyof typeof WORDS} Language @typedef {keyof typeof nl.problems} Problem */

const nl = {
  skip: "Naar de inhoud",
  title: "Begin met Betrokken",
  lead: "Je maakt hier de eerste organisatie van deze installatie en krijgt haar eerste sleutel. De link waarmee je kwam werkt één keer.",
  name: "Naam van de organisatie",
  name_hint: "Zoals medewerkers haar kennen; hij staat boven elke enquête. Je kunt hem later wijzigen.",
  make: "Maak de organisatie",
  making: "Bezig…",
  no_name: "Vul een naam in.",
  /** @param {string} name */
  made: (name) => `${name} is gemaakt`,
  key_lead: "Dit is de eerste sleutel. Hij wordt alleen nu getoond: bewaar hem voordat je deze pagina sluit.",
  key: "Je sleutel",
  key_hint: "Wie hem heeft, mag alles in deze organisatie. Bewaar hem in een wachtwoordkluis en mail hem niet: elk nieuw tabblad vraagt er opnieuw om.",
  copy: "Kopieer de sleutel",
  copied: "Gekopieerd. Plak hem nu in je wachtwoordkluis.",
  select: "Kopiëren lukt hier niet vanzelf. De sleutel is geselecteerd: kopieer hem met Ctrl+C of Cmd+C.",
  next: "Daarna",
  on: "Verder, aangemeld met deze sleutel",
  not_on: "Aanmelden lukt nu niet. Bewaar de sleutel en probeer het dan opnieuw.",
  steps: [
    "Maak voor elk systeem een eigen sleutel die niet meer mag dan nodig is.",
    "Zet de mensen erin: met een bestand of vanuit je HR‑systeem.",
    "Laat wie de server beheert mailen instellen: BETROKKEN_PUBLIC_URL, BETROKKEN_MAIL_FROM en BETROKKEN_SMTP_URL (of BETROKKEN_POSTMARK_TOKEN). Zonder mail kun je uitnodigen met codes op papier.",
    "Maak een enquête en nodig iedereen uit.",
  ],
  /** @param {string} id */
  reference: (id) => `Vraag je hulp? Noem dan dit nummer: ${id}`,
  waits: {
    network: "Geen verbinding. Probeer het opnieuw zodra je internet het doet; deze link maakt één organisatie, ook als je twee keer verstuurt.",
    busy: "Het is even te druk. Wacht een minuut en probeer het dan opnieuw.",
  },
  problems: {
    none: ["Hier hoort een link bij", "Open de link die `betrokken serve` toont zolang er nog geen organisatie is. Wie de server beheert heeft hem."],
    unknown: ["Deze link kennen we niet", "Misschien ontbreekt er een stuk. Kopieer hem helemaal uit de terminal, of start `betrokken serve` opnieuw: dat toont een nieuwe."],
    used: ["Er is al een organisatie", "Deze link werkt niet meer. Vraag een sleutel aan wie er een heeft, of aan wie de server beheert: `betrokken keys create` maakt er een."],
    lost: ["De organisatie is gemaakt, maar de sleutel kwam niet aan", "De verbinding viel weg terwijl hij onderweg was, en hij is nergens bewaard. Wie de server beheert maakt met `betrokken keys create` een andere."],
    expired: ["Deze link is verlopen", "Hij werkt een uur. Start `betrokken serve` opnieuw: dat toont een nieuwe."],
    other: ["Dit ging mis, en het ligt niet aan jou", "Laad de pagina opnieuw en probeer het nog eens. Blijft het misgaan, kijk dan in het logboek van de server."],
  },
};

/** @type {Words} */
const en = {
  skip: "Skip to the content",
  title: "Begin with Betrokken",
  lead: "Here you make the first organisation of this installation and receive its first key. The link that brought you works once.",
  name: "Name of the organisation",
  name_hint: "As its people know it; it stands above every survey. You can change it later.",
  make: "Make the organisation",
  making: "Working…",
  no_name: "Enter a name.",
  made: (name) => `${name} is made`,
  key_lead: "This is the first key. It is shown now and never again: keep it before you close this page.",
  key: "Your key",
  key_hint: "Whoever has it may do everything in this organisation. Keep it in a password manager, and do not mail it: each new tab asks for it again.",
  copy: "Copy the key",
  copied: "Copied. Paste it into your password manager now.",
  select: "Copying does not work by itself here. The key is selected: copy it with Ctrl+C or Cmd+C.",
  next: "After that",
  on: "Go on, signed in with this key",
  not_on: "Signing in does not work right now. Keep the key, then try again.",
  steps: [
    "Make a key of its own for each system, which may do no more than it needs.",
    "Bring in the people: with a file or from your HR system.",
    "Have whoever runs the server set up mail: BETROKKEN_PUBLIC_URL, BETROKKEN_MAIL_FROM and BETROKKEN_SMTP_URL (or BETROKKEN_POSTMARK_TOKEN). Without mail you can invite with codes on paper.",
    "Make a survey and invite everybody.",
  ],
  reference: (id) => `Asking for help? Then mention this number: ${id}`,
  waits: {
    network: "No connection. Try again once your internet is back; this link makes one organisation, even if you send twice.",
    busy: "It is too busy right now. Wait a minute, then try again.",
  },
  problems: {
    none: ["This page needs a link", "Open the link that `betrokken serve` shows while there is no organisation. Whoever runs the server has it."],
    unknown: ["We do not know this link", "Part of it may be missing. Copy all of it from the terminal, or start `betrokken serve` again: that shows a new one."],
    used: ["There is an organisation already", "This link works no longer. Ask for a key from somebody who has one, or from whoever runs the server: `betrokken keys create` makes one."],
    lost: ["The organisation is made, but the key did not arrive", "The connection broke while it was on its way, and it is kept nowhere. Whoever runs the server makes another with `betrokken keys create`."],
    expired: ["This link has expired", "It works for an hour. Start `betrokken serve` again: that shows a new one."],
    other: ["Something went wrong, and it is not your doing", "Load the page again and retry. Should it keep failing, look into the log of the server."],
  },
};

export const WORDS = { nl, en };
