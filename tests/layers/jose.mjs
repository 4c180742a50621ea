// Makes a key, and signs the claims on standard input with it: prints the token, the set of keys, and a token of another key with the same id.
import { text } from "node:stream/consumers";

const { SignJWT, exportJWK, generateKeyPair } = await import(process.argv[2]);
const claims = JSON.parse(await text(process.stdin));
const [own, others] = [await generateKeyPair("RS256", { extractable: true }), await generateKeyPair("RS256")];
const header = { alg: "RS256", kid: "jose", typ: "JWT" };
const sign = (key) => new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey);
const jwk = { ...(await exportJWK(own.publicKey)), kid: "jose", alg: "RS256", use: "sig" };
console.log(JSON.stringify({ token: await sign(own), forged: await sign(others), keys: { keys: [jwk] } }));
