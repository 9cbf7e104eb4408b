/* Collecting diagnostics. A compilation reports all it can find, so the list drops what repeats
 * (same code, same place) and what comes after max_errors; the caller gets a diagnostic to fill
 * in either case and needs no check. Rendering is in diag_render.c. */
#include "base/diag.h"

#include <string.h>

enum { DEFAULT_MAX_ERRORS = 20 };

typedef struct code_info {
    const char *name;
    tg_severity severity;
    const char *title;
} code_info;

static const code_info code_infos[TG_DIAG_COUNT] = {
#define DIAG(code, severity, title) [TG_##code] = {#code, TG_SEV_##severity, title},
#include "base/diag.def"
#undef DIAG
};

const char *tg_diag_code_name(tg_diag_code code) {
    return (unsigned)code < TG_DIAG_COUNT ? code_infos[code].name : "E0000";
}

const char *tg_diag_title(tg_diag_code code) {
    return (unsigned)code < TG_DIAG_COUNT ? code_infos[code].title : "unknown code";
}

tg_severity tg_diag_severity(tg_diag_code code) {
    return (unsigned)code < TG_DIAG_COUNT ? code_infos[code].severity : TG_SEV_ERROR;
}

tg_diag_code tg_diag_code_from_name(const char *name) {
    for (int i = 0; name && i < TG_DIAG_COUNT; i++) {
        if (strcmp(code_infos[i].name, name) == 0) {
            return (tg_diag_code)i;
        }
    }
    return TG_DIAG_COUNT;
}

static bool is_duplicate(const tg_diags *d, tg_diag_code code, tg_span span) {
    for (uint32_t i = 0; i < d->list.len; i++) {
        const tg_diag *other = d->list.data[i];
        if (other->code == code && other->span.file == span.file &&
            other->span.begin == span.begin && other->span.end == span.end) {
            return span.file !=
                   0; /* without a place, only the text tells them apart: keep both */
        }
    }
    return false;
}

static bool is_dropped(const tg_diags *d, tg_diag_code code, tg_span span) {
    uint32_t max_errors = d->max_errors ? d->max_errors : DEFAULT_MAX_ERRORS;
    bool is_error = tg_diag_severity(code) != TG_SEV_WARNING;
    return (is_error && d->n_errors >= max_errors) || is_duplicate(d, code, span);
}

tg_diag *tg_report(tg_diags *d, tg_diag_code code, tg_span span, const char *fmt, ...) {
    tg_diag *diag = TG_NEW(d->arena, tg_diag);
    diag->code = code;
    diag->span = span;
    va_list args;
    va_start(args, fmt);
    diag->message = tg_arena_vprintf(d->arena, fmt, args);
    va_end(args);
    if (!is_dropped(d, code, span)) {
        tg_vec_push(d->arena, &d->list, diag);
        d->n_errors += tg_diag_severity(code) != TG_SEV_WARNING;
    }
    return diag;
}

/* Formats the trailing arguments of the caller into `text`. */
#define FORMAT_ARGS(d, text, fmt)                                                              \
    do {                                                                                       \
        va_list args;                                                                          \
        va_start(args, fmt);                                                                   \
        (text) = tg_arena_vprintf((d)->arena, (fmt), args);                                    \
        va_end(args);                                                                          \
    } while (0)

void tg_diag_set_label(tg_diags *d, tg_diag *diag, const char *fmt, ...) {
    FORMAT_ARGS(d, diag->label, fmt);
}

void tg_diag_add_label(tg_diags *d, tg_diag *diag, tg_span span, const char *fmt, ...) {
    tg_diag_label label = {.span = span};
    FORMAT_ARGS(d, label.text, fmt);
    tg_vec_push(d->arena, &diag->labels, label);
}

void tg_diag_add_note(tg_diags *d, tg_diag *diag, const char *fmt, ...) {
    const char *text;
    FORMAT_ARGS(d, text, fmt);
    tg_vec_push(d->arena, &diag->notes, text);
}

void tg_diag_add_help(tg_diags *d, tg_diag *diag, const char *fmt, ...) {
    const char *text;
    FORMAT_ARGS(d, text, fmt);
    tg_vec_push(d->arena, &diag->helps, text);
}

void tg_diag_add_edit(tg_diags *d, tg_diag *diag, tg_span span, const char *replacement) {
    const char *text = tg_arena_strndup(d->arena, replacement, strlen(replacement));
    tg_vec_push(d->arena, &diag->edits, ((tg_diag_edit){span, text}));
}
