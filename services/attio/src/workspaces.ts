import { createHash } from 'node:crypto';
import { ensureDeliveryTarget } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import type { Sender } from '@full-sync/http-client';
import { resting } from '@full-sync/runtime';
import type { Clock } from '@full-sync/runtime';
import { createAttio } from './attio.ts';
import type { Attio } from './attio.ts';
import { allKeys, keyOf } from './keys.ts';
import type { Keys } from './keys.ts';

/** An Attio workspace that events are folded for, and the API under a key that opens it. */
export interface Workspace {
  /** Its number in the ledger. */
  readonly targetId: number;
  /** The hash it goes by in logs. */
  readonly name: string;
  readonly attio: Attio;
}

export interface WorkspaceParts {
  readonly db: Database;
  readonly sender: Sender;
  readonly baseUrl: string;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Aborted when the service drains. */
  readonly signal: AbortSignal;
  /** Says that a key opens nothing until somebody mends something, under a name that shows nothing of the key. */
  readonly onHalt: (name: string, why: { readonly code: string; readonly detail: string }) => void;
  readonly onWorks: (name: string) => void;
  /** Called once per workspace, as soon as it is known. */
  readonly onOpen: (workspace: Workspace) => void;
}

/** How long to wait for a workspace that is not known yet. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Whether to wait no longer than until it is clear that the key opens nothing now. */
  readonly givesUp: boolean;
}

export interface Workspaces {
  /**
   * The ledger's number of a namespace's workspace, null without a key; undefined when `signal` was aborted before it was
   * known, `refused` when it was given up.
   */
  readonly targetOf: (namespace: string, patience: Patience) => Promise<number | null | 'refused' | undefined>;
  /** Ends when the workspaces of all keys are known, or when the service drains. */
  readonly openAll: () => Promise<void>;
}

const askAgain = { firstMs: 1_000, lastMs: 60_000 };

/**
 * Finds out which workspace each key opens. Totals are kept per workspace, over all its namespaces and whatever key it
 * is reached by; what is known is kept in Postgres, so that events are folded while Attio or its key is out of order.
 */
export function createWorkspaces(parts: WorkspaceParts): Workspaces {
  const finding = new Map<string, Promise<number | undefined>>();
  const opened = new Set<number>();
  const targets = new Map<string, number>();
  const refusals = new Map<string, AbortController>();
  const refusalOf = (key: string): AbortController => {
    const refusal = refusals.get(key) ?? new AbortController();
    refusals.set(key, refusal);
    return refusal;
  };
  const find = async (key: string): Promise<number | undefined> => {
    const workspace = await findWorkspace(
      {
        ...parts,
        onHalt: (name, why) => {
          // Out of reach passes by itself.
          if (why.code !== 'ATTIO_UNREACHABLE') refusalOf(key).abort();
          parts.onHalt(name, why);
        },
        onWorks: (name) => {
          refusals.delete(key);
          parts.onWorks(name);
        },
      },
      key,
    );
    if (workspace !== undefined) targets.set(key, workspace.targetId);
    if (workspace !== undefined && !opened.has(workspace.targetId)) {
      opened.add(workspace.targetId);
      parts.onOpen(workspace);
    }
    return workspace?.targetId;
  };
  const targetOfKey = (key: string): Promise<number | undefined> => {
    const known = finding.get(key) ?? find(key);
    finding.set(key, known);
    return known;
  };
  return {
    targetOf: async (namespace, { signal, givesUp }) => {
      const key = keyOf(parts.keys, namespace);
      if (key === null) return null;
      const known = targets.get(key);
      if (known !== undefined) return known;
      const until = givesUp ? AbortSignal.any([signal, refusalOf(key).signal]) : signal;
      const target = await unlessAborted(targetOfKey(key), until);
      return target === undefined && !signal.aborted ? 'refused' : target;
    },
    openAll: async () => {
      await Promise.all(allKeys(parts.keys).map(targetOfKey));
    },
  };
}

/** The workspace of a key; undefined when the service drains before it is known. */
async function findWorkspace(parts: WorkspaceParts, apiKey: string): Promise<Workspace | undefined> {
  const { db, baseUrl } = parts;
  const attio = createAttio(parts.sender, apiKey);
  const keyHash = hashOf(baseUrl, apiKey);
  const workspaceId = (await recall(db, keyHash)) ?? (await askWhich(parts, attio, keyHash));
  if (workspaceId === undefined) return undefined;
  const name = hashOf(baseUrl, workspaceId);
  const targetId = await ensureDeliveryTarget(db.pool, { destination: 'attio', hash: name });
  await db.pool.query('insert into attio_workspaces (target_id) values ($1) on conflict do nothing', [targetId]);
  return { targetId, name, attio };
}

async function recall(db: Database, keyHash: string): Promise<string | undefined> {
  const { rows } = await db.pool.query<{ workspace_id: string }>(
    'select workspace_id from attio_keys where key_hash = $1',
    [keyHash],
  );
  return rows[0]?.workspace_id;
}

/** Asks Attio, for as long as it takes: without an answer nobody knows whose totals they are (I5). */
async function askWhich(parts: WorkspaceParts, attio: Attio, keyHash: string): Promise<string | undefined> {
  const { db, clock, signal } = parts;
  for (let waitMs = askAgain.firstMs; !signal.aborted; waitMs = Math.min(waitMs * 2, askAgain.lastMs)) {
    const identity = await attio.identify();
    if (identity.kind === 'active' && identity.missingScopes.length === 0) {
      await db.pool.query(
        'insert into attio_keys (key_hash, workspace_id) values ($1, $2) on conflict (key_hash) do nothing',
        [keyHash, identity.workspaceId],
      );
      parts.onWorks(keyHash);
      return identity.workspaceId;
    }
    if (identity.kind === 'active') {
      parts.onHalt(keyHash, { code: 'ATTIO_SCOPES', detail: `the key lacks ${identity.missingScopes.join(', ')}` });
    } else {
      const code = identity.kind === 'refused' ? 'ATTIO_UNAUTHORIZED' : 'ATTIO_UNREACHABLE';
      parts.onHalt(keyHash, { code, detail: identity.detail });
    }
    await resting(clock, waitMs, signal);
  }
  return undefined;
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  const stop = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
