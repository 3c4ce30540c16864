// The least that a Worker in front of an application can do.
export default { fetch: (request) => fetch(request) };
