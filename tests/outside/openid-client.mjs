// A relying application on openid-client: what it is told on its first line, it does, and tells what came of it.
import * as client from "openid-client";
import { failure, hear, tell } from "./conversation.mjs";

const plan = await hear();
const algorithm = { name: "ECDSA", namedCurve: "P-256" };

const key = plan.jwk && {
  key: await crypto.subtle.importKey("jwk", plan.jwk, algorithm, false, ["sign"]),
  kid: plan.jwk.kid,
};
const proof = key ? client.PrivateKeyJwt(key) : plan.secret ? client.ClientSecretBasic(plan.secret) : client.None();
const config = await client.discovery(new URL(plan.issuer), plan.client_id, undefined, proof, {
  algorithm: "oauth2",
  execute: [client.allowInsecureRequests],
});
const bound = plan.dpop
  ? { DPoP: client.getDPoPHandle(config, await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"])) }
  : {};

const refresh = (token) => client.refreshTokenGrant(config, token, undefined, bound);
const refusal = async (asked) => {
  try {
    await asked;
    return "none";
  } catch (fault) {
    return fault.error;
  }
};
const call = async (token, path, method = "GET", body = undefined, type = undefined) => {
  const headers = type && new Headers({ "Content-Type": type });
  const address = new URL(path, plan.issuer);
  const answer = await client.fetchProtectedResource(config, token, address, method, body, headers, bound);
  return { status: answer.status, body: await answer.json() };
};

// Uploads a document by the application's own right.
const upload = async () => {
  const tokens = await client.clientCredentialsGrant(config, { scope: "signatures" }, bound);
  const pdf = Buffer.from(plan.upload, "base64");
  const resource = await call(tokens.access_token, plan.resource, "POST", pdf, "application/pdf");
  return { token_type: tokens.token_type, resource };
};

// Sends the signer to the server, and returns the tokens that it gets when they are back.
const authorize = async () => {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const parameters = {
    redirect_uri: plan.redirect_uri,
    scope: plan.scope,
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  if (plan.details) parameters.authorization_details = JSON.stringify(plan.details);
  const address = plan.par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, bound)
    : client.buildAuthorizationUrl(config, parameters);
  tell({ go_to: address.href });

  const { came_back_to: back } = await hear();
  const checks = { pkceCodeVerifier: verifier, expectedState: state };
  return client.authorizationCodeGrant(config, new URL(back), checks, undefined, bound);
};

const useTokens = async () => {
  let tokens = await authorize();
  const told = { token_type: tokens.token_type, scope: tokens.scope, details: tokens.authorization_details };
  if (tokens.refresh_token) {
    const first = tokens;
    tokens = await refresh(first.refresh_token);
    told.refreshed = tokens.access_token !== first.access_token;
    if (plan.reuse) {
      told.first_again = await refusal(refresh(first.refresh_token));
      told.second = await refusal(refresh(tokens.refresh_token));
    }
  }
  if (plan.resource) {
    const path = told.details ? plan.resource.replace("{signature}", told.details[0].signature_id) : plan.resource;
    told.resource = await call(tokens.access_token, path);
  }
  if (key || plan.secret) {
    told.introspected = await client.tokenIntrospection(config, tokens.access_token);
    await client.tokenRevocation(config, tokens.refresh_token ?? tokens.access_token);
    told.after_revocation = await client.tokenIntrospection(config, tokens.access_token);
  }
  return told;
};

try {
  tell(await (plan.upload ? upload() : useTokens()));
} catch (fault) {
  tell(failure(fault));
}
process.exit(0);
