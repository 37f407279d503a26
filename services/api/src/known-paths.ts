/** The paths of the server and the methods that each of them knows. */
export interface KnownPaths {
  readonly add: (method: string, url: string) => void;
  /** The methods of the routes that a path fits, sorted; empty where there is no such path. */
  readonly methodsOf: (path: string) => readonly string[];
}

/** Remembers routes, with parameters as `:name`, and a star at the end for whatever follows. */
export function createKnownPaths(): KnownPaths {
  const paths = new Map<string, { readonly form: RegExp; readonly methods: Set<string> }>();
  return {
    add: (method, url) => {
      const path = paths.get(url) ?? { form: formOf(url), methods: new Set<string>() };
      path.methods.add(method);
      paths.set(url, path);
    },
    methodsOf: (path) => {
      const fitting = [...paths.values()].filter(({ form }) => form.test(path));
      return [...new Set(fitting.flatMap(({ methods }) => [...methods]))].toSorted();
    },
  };
}

function formOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : RegExp.escape(part);
  });
  return new RegExp(`^${parts.join('/')}/?$`);
}
