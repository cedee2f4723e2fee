/** Words of signing in with the identity provider of the organisation. */

/** @typedef {typeof nl} Words @typedef {keyof typeof WORDS} Language @typedef {keyof typeof nl.problems} Problem */

const nl = {
  skip: "Naar de inhoud",
  title: "Aanmelden",
  lead: "Meld je aan met het account van je organisatie. Je bent aangemeld tot je dit tabblad sluit; een nieuw tabblad vraagt het opnieuw, want in de browser blijft niets bewaard.",
  go: "Aanmelden bij je organisatie",
  going: "Je gaat naar de aanmeldpagina van je organisatie…",
  or: "Of met een sleutel:",
  by_key: "Aanmelden met een sleutel",
  working: "Je wordt aangemeld…",
  again: "Opnieuw aanmelden",
  out: "Je bent hier afgemeld",
  out_lead: "In dit tabblad blijft niets achter.",
  /** @param {string} host */
  out_there: (host) => `Bij ${host} ben je misschien nog aangemeld. Deel je deze computer? Meld je daar dan ook af.`,
  out_go: "Ook daar afmelden",
  /** @param {string} id */
  reference: (id) => `Vraag je hulp? Noem dan deze code: ${id}`,
  other: {
    title: "Met een andere sleutel verdergaan?",
    text: ["Deze link heeft een andere sleutel dan waarmee je hier bent aangemeld. Misschien hoort hij bij een andere organisatie.", "Ga alleen verder als je weet van wie de link komt. Wat je hier aan het invullen was, ben je dan kwijt."],
    stay: "Blijven waar ik ben", change: "Verder met de andere sleutel",
    unknown: "Die sleutel kennen we niet. Je bent nog aangemeld zoals je was.",
    failed: "Dat ging niet. Je bent nog aangemeld zoals je was; probeer het straks opnieuw.",
  },
  problems: {
    none: ["Hier meld je je aan met een sleutel", "Deze installatie kent geen aanmelden via je organisatie."],
    stale: ["Deze aanmelding is hier niet begonnen", "Ze is al gebruikt, hoort bij een ander tabblad, of iemand anders maakte de link. Begin opnieuw; er is niets gebeurd."],
    denied: ["Je bent niet aangemeld", "Het aanmelden is afgebroken, of je organisatie geeft je hier geen toegang toe."],
    provider: ["De aanmeldpagina gaf een fout", "Ze stuurde je terug zonder aanmelding. Probeer het opnieuw; blijft het misgaan, meld het dan aan je beheerder."],
    late: ["Het aanmelden duurde te lang", "De bevestiging van je organisatie was verlopen of al gebruikt. Meld je opnieuw aan."],
    unreachable: ["De aanmelddienst antwoordt niet", "Je organisatie bevestigde je aanmelding niet. Kijk of je internet het doet en probeer het opnieuw; staat deze pagina daar niet toegelaten, dan weet je beheerder wat te doen."],
    mismatch: ["Deze aanmelding klopt niet", "Het antwoord hoort niet bij wat deze pagina vroeg, dus gebruiken we het niet. Meld je opnieuw aan; gebeurt dit weer, meld het dan aan je beheerder."],
    refused: ["Je account heeft hier geen toegang", "Je organisatie kent je, maar deze dienst niet. Je beheerder moet je account aan een organisatie en rechten koppelen."],
    insecure: ["Aanmelden kan hier niet zo", "Dat kan alleen over een veilige verbinding (https), in een browser die gegevens van deze pagina mag bewaren. Anders kan het met een sleutel."],
    away: ["De aanmelddienst is onbereikbaar", "Deze dienst krijgt geen antwoord van de aanmelddienst van je organisatie. Probeer het straks opnieuw, of gebruik een sleutel."],
    busy: ["Het is even te druk", "Wacht een minuut en probeer het dan opnieuw."],
    network: ["Geen verbinding", "Kijk of je internet het doet en probeer het opnieuw."],
  },
};

/** @type {Words} */
const en = {
  skip: "Skip to the content",
  title: "Sign in",
  lead: "Sign in with the account of your organisation. You are signed in until you close this tab; a new tab asks again, as the browser keeps nothing.",
  go: "Sign in with your organisation",
  going: "You are going to the sign-in page of your organisation…",
  or: "Or with a key:",
  by_key: "Sign in with a key",
  working: "Signing you in…",
  again: "Sign in again",
  out: "You are signed out here",
  out_lead: "Nothing stays behind in this tab.",
  out_there: (host) => `You may still be signed in at ${host}. Do you share this computer? Then sign out there as well.`,
  out_go: "Sign out there too",
  reference: (id) => `Asking for help? Then mention this code: ${id}`,
  other: {
    title: "Go on with another key?",
    text: ["This link has another key than the one you are signed in with here. It may belong to another organisation.", "Only go on if you know whom the link is from. What you were filling in here is then lost."],
    stay: "Stay where I am", change: "Go on with the other key",
    unknown: "We do not know that key. You are still signed in as you were.",
    failed: "That did not work. You are still signed in as you were; try again in a while.",
  },
  problems: {
    none: ["Here you sign in with a key", "This installation has no way to sign in with your organisation."],
    stale: ["This sign-in did not begin here", "It was used already, belongs to another tab, or somebody else made the link. Begin anew; nothing has happened."],
    denied: ["You are not signed in", "Signing in was broken off, or your organisation gives you no access to this."],
    provider: ["The sign-in page gave an error", "It sent you back without signing you in. Try again; should it keep failing, tell your administrator."],
    late: ["Signing in took too long", "The confirmation by your organisation had expired or was used already. Sign in again."],
    unreachable: ["The sign-in service does not answer", "Your organisation did not confirm that it is you. Check your internet connection and try again; if this page is not allowed there, your administrator knows what to do."],
    mismatch: ["This sign-in is not right", "The answer does not belong to what this page asked, so we do not use it. Sign in again; should it recur, tell your administrator."],
    refused: ["Your account has no access here", "Your organisation knows you, but this service does not. Your administrator has to connect your account to an organisation and rights."],
    insecure: ["You cannot sign in this way here", "It takes a secure connection (https), and a browser that lets this page keep data. Otherwise sign in with a key."],
    away: ["The sign-in service cannot be reached", "This service gets no answer from the sign-in service of your organisation. Try again later, or use a key."],
    busy: ["It is too busy right now", "Wait a minute, then try again."],
    network: ["No connection", "Check your internet connection and try again."],
  },
};

export const WORDS = { nl, en };
