/** What becomes of the requests that pass the tap: which are recorded, and why the others are not. */

import { bodyText, type Body } from "./body.ts";
import type { Call } from "./calls.ts";
import { Diagnostics } from "./diagnostics.ts";
import { Exchange } from "./exchange.ts";
import { classify, type Reason } from "./model_request.ts";
import type { Recording } from "./recording.ts";
import type { Outgoing } from "./request.ts";
import { isStrict } from "./user_config.ts";

export class Requests {
  #recording: Recording;
  #diagnostics: Diagnostics;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#diagnostics = new Diagnostics(recording);
  }

  /** The recording of this request, which is under way already; `undefined` where there is to be none. */
  begin(request: Outgoing, early: Body | undefined, call: Call | undefined): Exchange | undefined {
    let body = early;
    const { method, url, token } = request;
    const header = (name: string) => request.header(name);
    const bodyAsText = () => bodyText((body ??= request.body()));
    const verdict = classify({ method, url, header, marked: token !== undefined, bodyText: bodyAsText }, isStrict());
    if (!verdict.traced) {
      this.skip(request, verdict.reason);
      return undefined;
    }
    if (!this.#recording.isOn()) return undefined;
    const exchange = new Exchange(this.#recording, request, body ?? request.body(), call);
    this.#recording.soon(() => this.#diagnostics.decided(method, url, { exchange: exchange.number }));
    return exchange;
  }

  /** Notes why a request is not recorded. */
  skip(request: Outgoing, reason: Reason): void {
    this.#diagnostics.decided(request.method, request.url, { reason });
  }
}
