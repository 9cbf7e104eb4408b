/* Sources, spans and diagnostics. A diagnostic is data: code, spans with labels, notes, help, edits; it is
 * rendered as text with carets or as JSON. Codes and their one-line titles live in diag.def, one page
 * each in docs/errors/. */
#ifndef TG_BASE_DIAG_H
#define TG_BASE_DIAG_H

#include "base/arena.h"

typedef struct tg_span {
    uint32_t file;       /* index into tg_sources + 1; 0 = nowhere */
    uint32_t begin, end; /* byte offsets, end exclusive */
} tg_span;

typedef struct tg_source {
    const char *path; /* as shown to the user */
    const char *text; /* NUL-terminated */
    uint32_t len;
    uint32_t *lines; /* byte offset of each line start */
    uint32_t n_lines;
} tg_source;

typedef struct tg_sources {
    tg_arena *arena;
    TG_VEC(tg_source *) files;
} tg_sources;

/* Copies text and path. The result's id for spans is files.len after the call. */
uint32_t tg_sources_add(tg_sources *s, const char *path, const char *text, size_t len);
const tg_source *tg_sources_get(const tg_sources *s, uint32_t file); /* null for 0 or out of range */
void tg_source_position(const tg_source *src, uint32_t offset, uint32_t *line, uint32_t *column); /* 1-based; column in bytes */
tg_span tg_span_join(tg_span a, tg_span b);

typedef enum tg_diag_code {
#define DIAG(code, severity, title) TG_##code,
#include "base/diag.def"
#undef DIAG
    TG_DIAG_COUNT
} tg_diag_code;

typedef enum tg_severity { TG_SEV_ERROR, TG_SEV_WARNING, TG_SEV_LAUNCH } tg_severity;

typedef struct tg_diag_label { tg_span span; const char *text; } tg_diag_label;
typedef struct tg_diag_edit { tg_span span; const char *text; } tg_diag_edit;

typedef struct tg_diag {
    tg_diag_code code;
    tg_span span;
    const char *message;       /* lower case, no full stop, names the user's variables */
    const char *label;         /* under the primary carets; may be null */
    TG_VEC(tg_diag_label) labels; /* secondary spans */
    TG_VEC(const char *) notes;
    TG_VEC(const char *) helps;
    TG_VEC(tg_diag_edit) edits;
} tg_diag;

typedef struct tg_diags {
    tg_arena *arena;
    const tg_sources *sources;
    TG_VEC(tg_diag *) list;
    uint32_t n_errors;
    uint32_t max_errors; /* per compilation; further errors are dropped; 0 means 20 */
} tg_diags;

/* Appends a diagnostic and returns it for the calls below. Duplicates (same code and span) are dropped:
 * the result is then a scratch diagnostic that is not in the list. Never null. */
tg_diag *tg_report(tg_diags *d, tg_diag_code code, tg_span span, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void tg_diag_set_label(tg_diags *d, tg_diag *diag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void tg_diag_add_label(tg_diags *d, tg_diag *diag, tg_span span, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void tg_diag_add_note(tg_diags *d, tg_diag *diag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void tg_diag_add_help(tg_diags *d, tg_diag *diag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* An edit that repairs the program; shown as help with the changed line, and in JSON. */
void tg_diag_add_edit(tg_diags *d, tg_diag *diag, tg_span span, const char *replacement);

const char *tg_diag_code_name(tg_diag_code code); /* "E0213" */
const char *tg_diag_title(tg_diag_code code);
tg_severity tg_diag_severity(tg_diag_code code);
tg_diag_code tg_diag_code_from_name(const char *name); /* TG_DIAG_COUNT if unknown */

void tg_diag_render(const tg_diags *d, const tg_diag *diag, bool colour, tg_strbuf *out);
void tg_diags_render(const tg_diags *d, bool colour, tg_strbuf *out);
void tg_diags_render_json(const tg_diags *d, tg_strbuf *out); /* array of objects */

/* Nearest candidate by edit distance (≤ max(1, len/3)), or null. */
const char *tg_suggest(const char *name, const char *const *candidates, size_t n);

#endif
