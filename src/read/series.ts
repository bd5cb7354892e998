import type { FollowUp, Problem, Series } from '../model/series.ts';
import { secondsOf } from './date.ts';
import { contradict } from './diffstat.ts';
import { type Given, givenElsewhere, ownTrailers } from './given.ts';
import { MAX_REPLY_DEPTH, MAX_SERIES } from './limits.ts';
import type { Mail } from './mail.ts';
import { messagePlace } from './place.ts';
import { type Member, markSets } from './sets.ts';
import { partThreads } from './threads.ts';

/**
 * The series in an input, thread by thread and version by version, by b4's rules (LoreMailbox, LoreSeries): members by the numbers in their
 * subjects, the cover letter, which patches are missing, and the trailers that replies give. Doubled mails are problems, and so are missing
 * patches, unless the input is one mail alone, and a cover letter whose diffstat cannot be right.
 */
export function readSeries(mails: Mail[]): { value: Series[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const isAlone = mails.length === 1;
  const threads = partThreads(mails).map(thread => new Mailbox(thread, problems, isAlone));
  const given = new Map(threads.flatMap(thread => [...thread.gather()]));
  const elsewhere = givenElsewhere(mails, given, problems);
  const members = threads.flatMap(thread => thread.series(given, elsewhere));
  markSets(members);
  return { value: members.map(({ series }) => series), problems };
}

/** One version on its way. `slots[0]` is the cover letter's, `slots[n]` that of patch n. */
interface Version {
  version: number;
  expected: number;
  slots: (Mail | null)[];
}

/** One thread, as b4 holds it. */
class Mailbox {
  private readonly byId = new Map<string, Mail>();
  private readonly versions = new Map<number, Version>();
  private readonly covers = new Map<number, Mail>();
  private readonly replies: Mail[] = [];
  private readonly versionOf = new Map<Mail, number>();
  private readonly problems: Problem[];
  private readonly isAlone: boolean;

  constructor(thread: Mail[], problems: Problem[], isAlone: boolean) {
    this.problems = problems;
    this.isAlone = isAlone;
    for (const mail of thread) this.add(mail);
  }

  /** The thread's series by rising version, with what each patch was given here and on its other postings. */
  series(given: Map<Mail, Given[]>, elsewhere: Map<Mail, Given[]>): Member[] {
    return [...this.versions.values()]
      .sort((a, b) => a.version - b.version)
      .map(version => {
        this.fillReroll(version);
        this.placeCover(version);
        return this.finish(version, mail => [...(given.get(mail) ?? []), ...(elsewhere.get(mail) ?? [])]);
      });
  }

  private add(mail: Mail): void {
    const { message, subject } = mail;
    const double = this.byId.get(message.messageId);
    if (double) {
      this.problems.push({
        severity: 'odd',
        where: messagePlace(message),
        message: `has the Message-ID of message ${double.message.n} and is not counted again`,
      });
      return;
    }
    this.byId.set(message.messageId, mail);
    if (mail.isReply) {
      this.replies.push(mail);
      return;
    }
    let version = subject.numbering.version;
    const index = subject.numbering.index ?? 1;
    this.versionOf.set(mail, version);
    if (index === 0) {
      this.covers.set(version, mail);
      return;
    }
    if (!mail.hasDiff) return;
    const total = Math.max(subject.numbering.total ?? 1, index);
    if (!this.versions.has(version) && !subject.versioned) version = this.inferVersion(mail) ?? version;
    // A second patch of one author without any numbers is a version of its own.
    const first = this.versions.get(version)?.slots[1];
    if (
      first &&
      !subject.numbered &&
      !first.subject.numbered &&
      subject.numbering.prefixes.some(word => /^patch/i.test(word)) &&
      !subject.numbering.prefixes.some(word => /^resend/i.test(word)) &&
      sender(first) === sender(mail) &&
      seconds(first) < seconds(mail)
    )
      version = this.versions.size + 1;
    this.versionOf.set(mail, version);
    let series = this.versions.get(version);
    if (!series) {
      series = { version, expected: total, slots: new Array<Mail | null>(total + 1).fill(null) };
      this.versions.set(version, series);
    }
    place(series, mail, index, total);
  }

  /** A patch without a version takes that of the cover letter, or of patch 1, that it answers. */
  private inferVersion(mail: Mail): number | null {
    const parent = mail.message.inReplyTo === null ? undefined : this.byId.get(mail.message.inReplyTo);
    if (!parent) return null;
    const fits = (parent.hasDiffstat && !parent.hasDiff) || (parent.hasDiff && (parent.subject.numbering.index ?? 1) === 1);
    return fits ? (this.versionOf.get(parent) ?? parent.subject.numbering.version) : null;
  }

  /** A version that repeats only some patches of the one before, each in answer to its forerunner, keeps the others (b4's partial reroll). */
  private fillReroll(series: Version): void {
    const before = this.versions.get(series.version - 1);
    if (!before || !series.slots.slice(1).includes(null)) return;
    for (const mail of series.slots) if (mail && !this.answersForerunner(mail)) return;
    series.slots.forEach((mail, at) => {
      series.slots[at] = mail ?? before.slots[at] ?? null;
    });
  }

  private answersForerunner(mail: Mail): boolean {
    const [index, total] = counters(mail);
    const seen = new Set<Mail>();
    for (let up = this.parentOf(mail); up && !seen.has(up) && seen.size <= MAX_REPLY_DEPTH; up = this.parentOf(up)) {
      const [upIndex, upTotal] = counters(up);
      if (upIndex === index && upTotal === total) return true;
      seen.add(up);
    }
    return false;
  }

  private placeCover(series: Version): void {
    const cover = this.covers.get(series.version);
    if (cover) {
      // Its total counts, be there fewer patches or more.
      place(series, cover, 0, counters(cover)[1]);
      return;
    }
    for (const mail of series.slots) {
      const parent = mail ? this.parentOf(mail) : undefined;
      // Without a number, or with another version's, it is a cover letter by its diffstat or by its sender.
      if (mail && parent && !parent.hasDiff && (parent.hasDiffstat || (!parent.isReply && sender(parent) === sender(mail)))) {
        series.slots[0] = parent;
        return;
      }
    }
  }

  private parentOf(mail: Mail): Mail | undefined {
    return mail.message.inReplyTo === null ? undefined : this.byId.get(mail.message.inReplyTo);
  }

  /** What each patch and cover letter is given by the replies to it, directly or through other replies, whose trailers then come along. */
  gather(): Map<Mail, Given[]> {
    const given = new Map<Mail, Given[]>();
    for (const reply of this.replies) {
      if (reply.trailers.length === 0) continue;
      let target = this.parentOf(reply);
      if (reply.message.inReplyTo === null)
        target = reply.message.references.map(id => this.byId.get(id)).find(mail => mail !== undefined && mail !== reply);
      const trailers = ownTrailers(reply);
      const seen = new Set<Mail>([reply]);
      while (target?.isReply && !seen.has(target) && seen.size <= MAX_REPLY_DEPTH) {
        seen.add(target);
        for (const trailer of target.trailers) trailers.push({ trailer, by: target });
        target = this.parentOf(target);
      }
      if (!target || target.isReply) continue;
      const list = given.get(target);
      if (list) list.push(...trailers);
      else given.set(target, trailers);
    }
    return given;
  }

  private finish(series: Version, givenTo: (mail: Mail) => Given[]): Member {
    const followUps: FollowUp[] = [];
    for (const mail of series.slots) {
      if (!mail) continue;
      const seen = new Set<string>();
      for (const { trailer, by } of givenTo(mail)) {
        const text = `${trailer.key}: ${trailer.value}`;
        if (seen.has(text.toLowerCase())) continue;
        seen.add(text.toLowerCase());
        followUps.push({ trailer: text, from: by.message.from ?? { name: '', address: '' }, patch: mail.message.messageId });
      }
    }
    const members = series.slots.slice(1);
    const missing = members.flatMap((mail, at) => (mail ? [] : [at + 1]));
    const cover = series.slots[0] ?? null;
    const first = cover ?? members.find(mail => mail !== null) ?? null;
    if (missing.length > 0 && !this.isAlone)
      this.problems.push({
        severity: 'odd',
        where: `series v${series.version} of ${members.length}, ${first ? messagePlace(first.message) : 'no message'}`,
        message: `patch ${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`,
      });
    if (cover && missing.length === 0) this.checkDiffstat(series, cover);
    const basis = cover?.basis ?? members[0]?.basis;
    const value: Series = {
      id: first?.message.messageId ?? '',
      version: series.version,
      title: first?.message.title ?? '',
      expected: series.expected,
      complete: missing.length === 0,
      cover: cover?.message.messageId ?? null,
      patches: members.map(mail => mail?.message.messageId ?? null),
      followUps,
      ...(basis?.base ? { base: basis.base } : {}),
      ...(basis?.changeId ? { changeId: basis.changeId } : {}),
    };
    const author = first?.message.patch?.author ?? first?.message.from;
    return { series: value, author: author?.address.toLowerCase() ?? '', answers: first?.message.inReplyTo ?? null };
  }

  /** Holds the diffstat of a cover letter against the patches, where all of them are of its version and read whole. */
  private checkDiffstat(series: Version, cover: Mail): void {
    const members = series.slots.slice(1);
    if (!cover.diffstat || members.length !== cover.subject.numbering.total) return;
    const touched = members.flatMap(mail => (mail?.touched && this.versionOf.get(mail) === series.version ? [mail.touched] : []));
    const fault = touched.length === members.length ? contradict(cover.diffstat, touched) : '';
    if (fault !== '') this.problems.push({ severity: 'odd', where: messagePlace(cover.message), message: fault });
  }
}

/** b4's add_patch. A number that comes twice pushes the mail that came before one place on, unless one of the two has no numbers. */
function place(series: Version, mail: Mail, index: number, total: number): void {
  while (series.slots.length < total + 1) series.slots.push(null);
  series.expected = total;
  const there = series.slots[index];
  if (there && !(!there.subject.numbered && mail.subject.numbered) && series.slots.length < MAX_SERIES) {
    series.slots.push(null);
    series.expected++;
    series.slots[index + 1] = there;
  }
  series.slots[index] = mail;
}

function counters(mail: Mail): [number, number] {
  const { index, total } = mail.subject.numbering;
  return [index ?? 1, Math.max(total ?? 1, index ?? 1)];
}

function sender(mail: Mail): string {
  return mail.message.from?.address.toLowerCase() ?? '';
}

function seconds(mail: Mail): number {
  return mail.message.date === null ? 0 : secondsOf(mail.message.date);
}

/** `2, 4 to 6 and 9`. */
function listed(numbers: number[]): string {
  const runs: string[] = [];
  for (let at = 0; at < numbers.length; at++) {
    const first = numbers[at] ?? 0;
    let last = at;
    while (numbers[last + 1] === first + last + 1 - at) last++;
    runs.push(last === at ? String(first) : last === at + 1 ? `${first}, ${first + 1}` : `${first} to ${numbers[last]}`);
    at = last;
  }
  return runs.length < 2 ? runs.join('') : `${runs.slice(0, -1).join(', ')} and ${runs.at(-1)}`;
}
