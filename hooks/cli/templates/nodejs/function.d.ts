// What the server passes to a handler, for editors and type checkers only: pods do not have this file.

/** Express' request; `npm install --no-save @types/express` has all of its types. */
export interface Request {
  method: string;
  url: string;
  originalUrl: string;
  path: string;
  query: Record<string, any>;
  params: Record<string, any>;
  headers: Record<string, string | string[] | undefined>;
  body: any;
  protocol: string;
  secure: boolean;
  ip: string | undefined;
  ips: string[];
  subdomains: string[];
  host: string;
  hostname: string;
  fresh: boolean;
  stale: boolean;
  xhr: boolean;
  get(name: string): string | undefined;
  header(name: string): string | undefined;
  accepts(...types: string[]): string | string[] | false;
  acceptsEncodings(...encodings: string[]): string | string[] | false;
  acceptsCharsets(...charsets: string[]): string | string[] | false;
  acceptsLanguages(...languages: string[]): string | string[] | false;
  range(size: number): any;
  is(type: string | string[]): string | false | null;
}

/** Express' response. */
export interface Response {
  statusCode: number;
  headersSent: boolean;
  locals: Record<string, any>;
  status(code: number): this;
  sendStatus(code: number): this;
  send(body?: any): this;
  json(body?: any): this;
  jsonp(body?: any): this;
  write(chunk: any): boolean;
  end(chunk?: any): this;
  sendFile(path: string): void;
  download(path: string): void;
  type(type: string): this;
  contentType(type: string): this;
  format(formats: any): this;
  attachment(filename?: string): this;
  append(name: string, value?: string | string[]): this;
  set(name: string, value?: string | string[]): this;
  header(name: string, value?: string | string[]): this;
  get(name: string): string | undefined;
  cookie(name: string, value: string, options?: any): this;
  clearCookie(name: string, options?: any): this;
  links(links: Record<string, string>): this;
  location(url: string): this;
  redirect(url: string): void;
  vary(field: string): this;
  render(view: string): void;
}

/** An OpenTelemetry tracer. */
export interface Tracer {
  startSpan(name: string, ...rest: any[]): any;
  startActiveSpan(name: string, ...rest: any[]): any;
}

export interface Extensions {
  request: Request;
  response: Response;
}

/** The request; with `ce-...` only if it is a CloudEvent. `Event<Order>` says what `data` is. */
export interface Event<Data = any> {
  data: Data;
  extensions: Extensions;
  tracer: Tracer;
  setResponseHeader(name: string, value: string | string[]): void;
  setResponseContentType(type: string): void;
  setResponseStatus(status: number): void;
  emitCloudEvent(type: string, source: string, data: unknown, attributes?: object): Promise<unknown>;
  publishCloudEvent(event: unknown): Promise<unknown>;
  buildResponseCloudEvent(id: string, type: string, data: unknown): object;
  'ce-id'?: string;
  'ce-source'?: string;
  'ce-specversion'?: string;
  'ce-time'?: string;
  'ce-type'?: string;
  [attribute: `ce-${string}`]: any;
}

export interface Context {
  'function-name': string;
  namespace: string;
  runtime: string;
  timeout: number;
  'body-size-limit': number;
}

/** The third argument of main(event, context, send). */
export type Send = (body: unknown, status?: number, headers?: Record<string, string>) => void;
