// What a webhook is sent, with the types that openapi-typescript makes of the contract: a message in, a line out.
import type { webhooks } from "./schema.js";

declare const process: { argv: string[] };

type Sent<Event extends keyof webhooks> = webhooks[Event]["post"]["requestBody"]["content"]["application/json"];
type Message = { [Event in keyof webhooks]: Sent<Event> }[keyof webhooks];

function told(message: Message): string {
  switch (message.type) {
    case "person.left":
      // @ts-expect-error: an event names a person by the caller's own identifier alone
      message.data.email;
      return `${message.data.external_id} leaves on ${message.data.ends_on ?? "no day"}`;
    case "survey.released":
      return `release ${message.data.number} of ${message.data.survey_id}${message.data.final ? ", the last" : ""}`;
    default:
      return message.type;
  }
}

console.log(told(JSON.parse(process.argv[2] ?? "") as Message));
