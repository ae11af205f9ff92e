/**
 * URLs without what is secret in them. Works on the raw text: parsing and printing a URL again would
 * change what is not secret too.
 */

import { decoded, REDACTED } from "./secrets.ts";

export interface StrippedUrl {
  /** May be written. */
  url: string;
  /** What was taken out. */
  credentials: string[];
}

const SECRET_PARAMETER =
  /^(key|sig|auth|code|pass|pwd|jwt|sid)$|api[-_]?key|(^|[-_.])(key|token|secret|sig|signature|password|passwd|credential|authorization)$|(token|signature|secret)$/i;

/** Keys that tell themselves by their shape, wherever they stand. */
const KEY_SHAPE =
  /\b(sk-[\w-]{16,}|AIza[\w-]{30,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}(\.[\w-]*)?|(AKIA|ASIA)[A-Z0-9]{16})/g;

export function stripUrl(raw: string): StrippedUrl {
  const credentials: string[] = [];
  const note = (value: string) => credentials.push(value, decoded(value));

  let url = raw.replace(/^([a-z][a-z0-9+.-]*:[/\\]{2})([^/\\?#]*)@/i, (_, scheme: string, userinfo: string) => {
    const colon = userinfo.indexOf(":");
    note(colon < 0 ? userinfo : userinfo.slice(colon + 1));
    return scheme;
  });

  // Parameters: of the query, and of a fragment, where some flows put their token.
  url = url.replace(/([?&#;])([^=&#;?]*)=([^&#;]*)/g, (whole, before: string, name: string, value: string) => {
    if (value === "" || !(SECRET_PARAMETER.test(decoded(name)) || isRandom(value))) return whole;
    note(value);
    return `${before}${name}=${REDACTED}`;
  });

  url = url.replace(KEY_SHAPE, (key) => {
    note(key);
    return REDACTED;
  });
  return { url, credentials };
}

/** Long, of letters and digits mixed, and no UUID: nobody types that, so it may be a key. */
function isRandom(value: string): boolean {
  if (value.length < 32 || !/^[\w+/=.~%-]+$/.test(value)) return false;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return false;
  return /\d/.test(value) && /[a-z]/i.test(value) && !/^[a-z]+([-_.][a-z0-9]+)*$/i.test(value);
}
