/**
 * What was decided about each call of `fetch`, for the recorder's diagnostics file: the method, the host and
 * the reason, and nothing else of a request that is not recorded.
 *
 * Bounded: of each reason the first decisions are written one by one, then one frame stands for many.
 */

import type { Reason } from "./model_request.ts";
import type { Recording } from "./recording.ts";

/** Per reason: so many are told singly; after that, one frame stands for as many. */
const SINGLY = 500;

/** A request is recorded as the exchange of this number, or not, for this reason. */
export type Decision = { exchange: number } | { reason: Reason };

interface Skipped {
  told: number;
  /** Not yet told, the last of them with this method and host. */
  untold: number;
  last: { method: string; host: string };
}

export class Diagnostics {
  #recording: Recording;
  #skipped = new Map<Reason, Skipped>();

  constructor(recording: Recording) {
    this.#recording = recording;
    recording.atEnd(() => {
      for (const [reason, skipped] of this.#skipped) this.#tell(reason, skipped);
    });
  }

  decided(method: string, url: string, decision: Decision): void {
    if ("exchange" in decision) {
      const request = { method, host: hostOf(url) };
      this.#recording.diagnose({ event: "fetch.seen", ...request }, decision.exchange);
      this.#recording.diagnose({ event: "fetch.traced", ...request }, decision.exchange);
      return;
    }
    const { reason } = decision;
    const skipped = this.#skipped.get(reason) ?? { told: 0, untold: 0, last: { method: "", host: "" } };
    this.#skipped.set(reason, skipped);
    skipped.untold += 1;
    const isDue = skipped.told < SINGLY || skipped.untold >= SINGLY;
    if (!isDue) return;
    skipped.last = { method, host: hostOf(url) };
    this.#tell(reason, skipped);
  }

  /** What cannot be told now is told with the next. */
  #tell(reason: Reason, skipped: Skipped): void {
    const { untold: count, last } = skipped;
    if (count === 0) return;
    this.#recording.diagnose({ event: "fetch.seen", ...last, count });
    if (!this.#recording.diagnose({ event: "fetch.skipped", ...last, count, reason })) return;
    skipped.told += count;
    skipped.untold = 0;
  }
}

/** With its port, without userinfo; empty for what is no URL. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "";
}
