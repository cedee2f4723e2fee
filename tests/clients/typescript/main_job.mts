// The main job, through openapi-fetch with the types that openapi-typescript makes of the contract:
// address and key in, a line out.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[]; exit(status: number): never };

const PATIENCE_MS = 60_000;
type Problem = components["schemas"]["Problem"];
type Metrics = components["schemas"]["SatisfactionEngagement"];

const [url = "", key = ""] = process.argv.slice(2);
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

function refuse(problem: unknown): never {
  console.error("refused:", JSON.stringify(problem));
  process.exit(1);
}

async function succeeded<T>(asked: Promise<{ data?: T; error?: Problem }>): Promise<T> {
  const { data, error } = await asked;
  return data ?? refuse(error);
}

function question(key: string, dimension: "satisfaction" | "engagement"): components["schemas"]["QuestionWrite"] {
  return { key, text: { en: `How is your ${key}?` }, dimension, facet: key, scale: { low: 1, high: 5 } };
}

/** Asked again as long as the release is being computed. */
async function released(survey_id: string): Promise<Metrics> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const { data, error, response } = await client.GET("/v1/metrics/satisfaction-engagement", {
      params: { query: { survey_id } },
    });
    if (data) return data;
    if (response.status !== 409 || Date.now() > deadline) refuse(error);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** As it is when all its rows are stored or refused. */
async function imported(file: string): Promise<components["schemas"]["Import"]> {
  let found = await succeeded(
    client.POST("/v1/imports", {
      params: { query: { kind: "teams" } },
      headers: { "Content-Type": "application/octet-stream" },
      body: file,
      bodySerializer: (body) => body,
    }),
  );
  for (const deadline = Date.now() + PATIENCE_MS; ["queued", "running"].includes(found.status); ) {
    if (Date.now() > deadline) refuse(found);
    await new Promise((resolve) => setTimeout(resolve, 100));
    found = await succeeded(client.GET("/v1/imports/{import_id}", { params: { path: { import_id: found.id } } }));
  }
  return found;
}

const names = Array.from({ length: 8 }, (_, index) => `E-${index + 1}`);
await succeeded(client.PUT("/v1/teams/{external_id}", { params: { path: { external_id: "sales" } }, body: { name: "Sales" } }));
const file = await imported("external_id,name\nsupport,Support\n");
const put = await succeeded(
  client.POST("/v1/people/batch", {
    params: { header: { "Idempotency-Key": "people" } },
    body: { items: names.map((name) => ({ external_id: name, name, team: "sales" })) },
  }),
);
await succeeded(
  client.PUT("/v1/questionnaires/{key}", {
    params: { path: { key: "two" } },
    body: {
      title: { en: "Two questions" },
      facets: ["pay", "bond"].map((key) => ({ key, title: { en: key } })),
      questions: [question("pay", "satisfaction"), question("bond", "engagement")],
    },
  }),
);
const survey = await succeeded(
  client.POST("/v1/surveys", { body: { name: "Autumn", questionnaire: "two", mode: "confidential" } }),
);
const path = { survey_id: survey.id };
await succeeded(client.POST("/v1/surveys/{survey_id}/open", { params: { path } }));
const stored = await succeeded(
  client.POST("/v1/surveys/{survey_id}/responses/batch", {
    params: { path },
    body: { items: names.map((respondent, index) => ({ respondent, answers: { pay: 2 + (index % 3), bond: 4 } })) },
  }),
);
await succeeded(client.POST("/v1/surveys/{survey_id}/close", { params: { path } }));
const [group] = (await released(survey.id)).groups;
if (group?.status !== "ok") refuse(group);
const scores = [group.satisfaction.score, group.engagement.score].map((score) => Math.round(score));
console.log(file.summary.created, put.summary.created, stored.summary.created, group.n, ...scores);
