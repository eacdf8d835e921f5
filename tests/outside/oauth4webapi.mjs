// A relying application on oauth4webapi, which leaves every step, and every check, to its caller.
import * as oauth from "oauth4webapi";
import { failure, hear, tell } from "./conversation.mjs";

const plan = await hear();
const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const insecure = { [oauth.allowInsecureRequests]: true };

const issuer = new URL(plan.issuer);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
);
const self = { client_id: plan.client_id };
const key = { key: await crypto.subtle.importKey("jwk", plan.jwk, algorithm, false, ["sign"]), kid: plan.jwk.kid };
const proof = oauth.PrivateKeyJwt(key);
const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
const bound = plan.dpop ? { DPoP: oauth.DPoP(self, pair) } : {};
const options = { ...insecure, ...bound };

// The server asks for its nonce with the first answer: the same again, with it.
const again = async (ask, read) => {
  try {
    return await read(await ask());
  } catch (fault) {
    if (!oauth.isDPoPNonceError(fault)) throw fault;
    return read(await ask());
  }
};

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const parameters = new URLSearchParams({
  client_id: plan.client_id,
  redirect_uri: plan.redirect_uri,
  response_type: "code",
  scope: plan.scope,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
if (plan.details) parameters.set("authorization_details", JSON.stringify(plan.details));

try {
  const pushed = await again(
    () => oauth.pushedAuthorizationRequest(as, self, proof, parameters, options),
    (answer) => oauth.processPushedAuthorizationResponse(as, self, answer),
  );
  const address = new URL(as.authorization_endpoint);
  address.searchParams.set("client_id", plan.client_id);
  address.searchParams.set("request_uri", pushed.request_uri);
  tell({ go_to: address.href });

  const { came_back_to: back } = await hear();
  const came = oauth.validateAuthResponse(as, self, new URL(back), state);
  let tokens = await again(
    () => oauth.authorizationCodeGrantRequest(as, self, proof, came, plan.redirect_uri, verifier, options),
    (answer) => oauth.processAuthorizationCodeResponse(as, self, answer),
  );
  const told = { token_type: tokens.token_type, scope: tokens.scope, details: tokens.authorization_details };
  if (tokens.refresh_token) {
    tokens = await again(
      () => oauth.refreshTokenGrantRequest(as, self, proof, tokens.refresh_token, options),
      (answer) => oauth.processRefreshTokenResponse(as, self, answer),
    );
    told.refreshed = true;
  }
  if (plan.resource) {
    const path = told.details ? plan.resource.replace("{signature}", told.details[0].signature_id) : plan.resource;
    const answer = await again(
      () => oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(path, issuer), undefined, null, options),
      (found) => found,
    );
    told.resource = { status: answer.status, body: await answer.json() };
  }
  const introspect = async () =>
    oauth.processIntrospectionResponse(
      as,
      self,
      await oauth.introspectionRequest(as, self, proof, tokens.access_token, insecure),
    );
  told.introspected = await introspect();
  const revoked = tokens.refresh_token ?? tokens.access_token;
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, self, proof, revoked, insecure));
  told.after_revocation = await introspect();
  tell(told);
} catch (fault) {
  tell(failure(fault));
}
process.exit(0);
