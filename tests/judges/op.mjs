// Two OpenID providers on loopback, each with its own issuer and keys, on panva's oidc-provider. Both know a person "42".
// Prints {"issuers": [...], "clients": ...} when both listen. Standard input is held open by the test: its end is ours.
//
// argv: the folder of node_modules, then the redirect URI.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [, , modules, redirect] = process.argv;
const { default: Provider } = await import(pathToFileURL(path.join(modules, 'oidc-provider/lib/index.js')).href);

// What a test changes about the person while the provider runs: POST /test/claims.
const claims = [{ groups: ['staff'] }, { groups: ['staff'] }];

async function start(index) {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'gateway', client_secret: 'a secret of the test', redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] },
      { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] },
    ],
    claims: { openid: ['sub', 'groups', 'amr'], email: ['email', 'email_verified'], profile: ['name'], acr: null, auth_time: null, iss: null, sid: null },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    ttl: { Session: 600, Interaction: 600, Grant: 600, AuthorizationCode: 60, IdToken: 600, AccessToken: 600 },
    cookies: { keys: ['test'] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_, sub) {
      return { accountId: sub, claims: async () => ({ sub, ...claims[index] }) };
    },
  });
  provider.proxy = false;
  const handle = provider.callback();
  server.on('request', async (req, res) => {
    if (req.url === '/test/claims') {
      let body = '';
      for await (const chunk of req) body += chunk;
      claims[index] = JSON.parse(body);
      res.end();
    } else if (req.url.startsWith('/interaction/')) {
      // The person logs in and agrees, at once.
      const { prompt, params, grantId } = await provider.interactionDetails(req, res);
      if (prompt.name === 'login') {
        const amr = claims[index].amr;
        await provider.interactionFinished(req, res, { login: { accountId: claims[index].sub ?? '42', amr } });
      } else {
        const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: claims[index].sub ?? '42', clientId: params.client_id });
        grant.addOIDCScope(params.scope);
        await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
      }
    } else {
      handle(req, res);
    }
  });
  return issuer;
}

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
const issuers = [await start(0), await start(1)];
console.log(JSON.stringify({ issuers }));
