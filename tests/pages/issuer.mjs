// A real identity provider (oidc-provider) that knows one page as a public client, and everybody who signs in.
// Says its address on standard output; takes the rest from its environment.

import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const { ISSUER, REDIRECT, ORGANIZATION, LED, AUDIENCE, SCOPES } = process.env;
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: "test", alg: "RS256", use: "sig" };
const origins = new Set([new URL(REDIRECT).origin]);

const provider = new Provider(ISSUER, {
  clients: [{
    client_id: "page", token_endpoint_auth_method: "none", redirect_uris: [REDIRECT],
    grant_types: ["authorization_code"], response_types: ["code"],
  }],
  clientBasedCORS: (_, origin) => origins.has(origin),
  cookies: { keys: ["of this test"] },
  jwks: { keys: [key] },
  scopes: ["openid", ...SCOPES.split(" ")],
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ audience: AUDIENCE, scope: SCOPES, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg: "RS256" } } }),
    },
  },
  extraTokenClaims: (_, { accountId }) => ({ stranger: {}, mo: { betrokken_organization: LED, betrokken_person: "mo" } })[accountId] ?? { betrokken_organization: ORGANIZATION },
});

const { port, hostname } = new URL(ISSUER);
provider.listen(Number(port), hostname, () => console.log(ISSUER));
