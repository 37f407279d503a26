import { uuidOf } from './ids.ts';
import { Refusal, invalidBody, notFound } from './refusal.ts';

const CREATABLE = [
  'text',
  'number',
  'checkbox',
  'currency',
  'date',
  'timestamp',
  'rating',
  'status',
  'select',
  'record-reference',
  'actor-reference',
  'location',
  'domain',
  'email-address',
  'phone-number',
] as const;

export type AttributeType = (typeof CREATABLE)[number] | 'personal-name' | 'interaction';

/** An option of a select, or a status. */
export interface Option {
  readonly id: string;
  readonly title: string;
}

export interface Attribute {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly description: string | null;
  readonly type: AttributeType;
  readonly isMultiselect: boolean;
  readonly isUnique: boolean;
  readonly isRequired: boolean;
  readonly isWritable: boolean;
  readonly isSystem: boolean;
  readonly config: unknown;
  readonly createdAt: number;
  readonly options: Option[];
}

/** What the registry belongs to: an object, a list or an activity. */
export interface Owner {
  readonly kind: 'object' | 'list' | 'activity';
  readonly workspaceId: string;
  readonly id: string;
  readonly slug: string;
}

type Seed = Pick<Attribute, 'slug' | 'type'> & Partial<Pick<Attribute, 'isMultiselect' | 'isUnique' | 'isWritable'>>;

const READ_ONLY: readonly Seed[] = [
  { slug: 'record_id', type: 'text', isUnique: true, isWritable: false },
  { slug: 'created_at', type: 'timestamp', isWritable: false },
  { slug: 'created_by', type: 'actor-reference', isWritable: false },
];

/** The attributes that people and companies are born with, as far as they matter here. */
export const STANDARD_ATTRIBUTES: Readonly<Record<string, readonly Seed[]>> = {
  people: [
    { slug: 'email_addresses', type: 'email-address', isMultiselect: true, isUnique: true },
    { slug: 'name', type: 'personal-name' },
    { slug: 'company', type: 'record-reference' },
    { slug: 'job_title', type: 'text' },
    { slug: 'description', type: 'text' },
    { slug: 'phone_numbers', type: 'phone-number', isMultiselect: true },
    { slug: 'primary_location', type: 'location' },
    { slug: 'linkedin', type: 'text' },
    { slug: 'first_email_interaction', type: 'interaction', isWritable: false },
    { slug: 'last_email_interaction', type: 'interaction', isWritable: false },
    ...READ_ONLY,
  ],
  companies: [
    { slug: 'domains', type: 'domain', isMultiselect: true, isUnique: true },
    { slug: 'name', type: 'text' },
    { slug: 'description', type: 'text' },
    { slug: 'team', type: 'record-reference', isMultiselect: true },
    { slug: 'categories', type: 'select', isMultiselect: true },
    ...READ_ONLY,
  ],
};

/** The attributes of one object, list or activity (fact sheet, section 6). */
export class AttributeRegistry {
  readonly owner: Owner;
  private readonly bySlug = new Map<string, Attribute>();

  constructor(owner: Owner, seeds: readonly Seed[] = []) {
    this.owner = owner;
    for (const seed of seeds) {
      this.add({
        isMultiselect: false,
        isUnique: false,
        isWritable: true,
        ...seed,
        title: titleOf(seed.slug),
        isSystem: true,
      });
    }
  }

  /** By slug or id. */
  find(name: string): Attribute | undefined {
    return this.bySlug.get(name) ?? [...this.bySlug.values()].find(({ id }) => id === name);
  }

  /** @throws Refusal 404. */
  get(name: string): Attribute {
    const found = this.find(name);
    if (found === undefined) throw notFound(`Attribute with slug/ID "${name}" not found.`);
    return found;
  }

  all(): readonly Attribute[] {
    return [...this.bySlug.values()];
  }

  delete(slug: string): void {
    if (!this.bySlug.delete(slug)) throw new Error(`${this.owner.slug} has no attribute ${slug}`);
  }

  /** @throws Refusal for a body that lacks a key, a type that cannot be created, or a slug that is taken. */
  create(data: Readonly<Record<string, unknown>>, now: number): Attribute {
    for (const key of [
      'title',
      'description',
      'api_slug',
      'type',
      'is_required',
      'is_unique',
      'is_multiselect',
      'config',
    ]) {
      if (!Object.hasOwn(data, key)) throw invalidBody(['data', key], 'a value', undefined);
    }
    const { title, description, api_slug: slug, type, config } = data;
    if (typeof title !== 'string' || title === '') throw invalidBody(['data', 'title'], 'string', title);
    if (typeof slug !== 'string' || !/^[a-z0-9_-]+$/.test(slug))
      throw invalidBody(['data', 'api_slug'], 'string', slug);
    if (description !== null && typeof description !== 'string')
      throw invalidBody(['data', 'description'], 'string', description);
    if (typeof config !== 'object' || config === null) throw invalidBody(['data', 'config'], 'object', config);
    const flag = (key: string): boolean => {
      const value = data[key];
      if (typeof value !== 'boolean') throw invalidBody(['data', key], 'boolean', value);
      return value;
    };
    const known = CREATABLE.find((name) => name === type);
    if (known === undefined) throw invalidBody(['data', 'type'], CREATABLE.join(' | '), type);
    const isMultiselect = flag('is_multiselect');
    const isUnique = flag('is_unique');
    const isRequired = flag('is_required');
    const problem = this.creationProblem(known, { isMultiselect, isUnique });
    if (problem !== null) throw new Refusal(400, 'validation_type', problem);
    if (this.bySlug.has(slug)) {
      throw new Refusal(409, 'slug_conflict', `An attribute with the slug "${slug}" already exists.`);
    }
    return this.add({
      slug,
      title,
      description,
      type: known,
      isMultiselect,
      isUnique,
      isRequired,
      isWritable: true,
      isSystem: false,
      config,
      createdAt: now,
    });
  }

  /** @throws Refusal for a title that is missing or taken, and for attributes without options. */
  addOption(attribute: Attribute, title: unknown, kind: 'select' | 'status'): Option {
    if (attribute.type !== kind) {
      throw new Refusal(400, 'validation_type', `Attribute "${attribute.slug}" is not a ${kind} attribute.`);
    }
    if (typeof title !== 'string' || title === '') throw invalidBody(['data', 'title'], 'string', title);
    if (attribute.options.some((option) => option.title === title)) {
      throw new Refusal(409, 'slug_conflict', `An option with the title "${title}" already exists.`);
    }
    const option = { id: uuidOf(attribute.id, 'option', title), title };
    attribute.options.push(option);
    return option;
  }

  private creationProblem(
    type: AttributeType,
    { isMultiselect, isUnique }: { readonly isMultiselect: boolean; readonly isUnique: boolean },
  ): string | null {
    if (type === 'email-address' || type === 'domain') return `Attributes of type ${type} cannot be created.`;
    if (type === 'status' && this.owner.kind !== 'list') return 'Status attributes exist on lists only.';
    if (type === 'select' && isUnique) return 'Select attributes cannot be unique.';
    const isSingle =
      type === 'text' || type === 'number' || type === 'checkbox' || type === 'date' || type === 'timestamp';
    return isSingle && isMultiselect ? `Attributes of type ${type} hold one value.` : null;
  }

  private add(
    given: Pick<Attribute, 'slug' | 'title' | 'type' | 'isMultiselect' | 'isUnique' | 'isWritable' | 'isSystem'> &
      Partial<Attribute>,
  ): Attribute {
    const attribute: Attribute = {
      id: uuidOf(this.owner.id, 'attribute', given.slug),
      description: null,
      isRequired: false,
      config: {},
      createdAt: 0,
      options: [],
      ...given,
    };
    this.bySlug.set(attribute.slug, attribute);
    return attribute;
  }
}

function titleOf(slug: string): string {
  return slug.replace(
    /(^|_)(\w)/g,
    (_all, gap: string, letter: string) => `${gap === '' ? '' : ' '}${letter.toUpperCase()}`,
  );
}

/** An attribute as the API shows it. */
export function renderAttribute(attribute: Attribute, owner: Owner): object {
  return {
    id: { workspace_id: owner.workspaceId, object_id: owner.id, attribute_id: attribute.id },
    title: attribute.title,
    description: attribute.description,
    api_slug: attribute.slug,
    type: attribute.type,
    is_system_attribute: attribute.isSystem,
    is_writable: attribute.isWritable,
    is_required: attribute.isRequired,
    is_unique: attribute.isUnique,
    is_multiselect: attribute.isMultiselect,
    is_default_value_enabled: false,
    is_archived: false,
    default_value: null,
    relationship: null,
    created_at: nanoTime(attribute.createdAt),
    config: attribute.config,
  };
}

/** An option or status as the API shows it. */
export function renderOption(option: Option, attribute: Attribute, owner: Owner): object {
  return {
    id: {
      workspace_id: owner.workspaceId,
      object_id: owner.id,
      attribute_id: attribute.id,
      ...(attribute.type === 'status' ? { status_id: option.id } : { option_id: option.id }),
    },
    title: option.title,
    is_archived: false,
  };
}

/** Epoch ms as the API writes times: UTC with nanoseconds. */
export function nanoTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000000Z');
}
