/* Diagnostics as JSON, for editors and scripts: an array of objects
 *
 *     {"code": "E0213", "severity": "error", "title": …, "message": …, "span": SPAN, "label":
 * …, "labels": [{"span": SPAN, "text": …}], "notes": […], "help": […], "edits": [{"span": SPAN,
 * "text": …}]}
 *
 * SPAN is null or {"file", "begin", "end" (bytes, 0-based), "line", "column", "end_line",
 * "end_column" (1-based, columns in bytes, end exclusive)}. */
#include "base/diag.h"

#include <string.h>

static void put_text(tg_strbuf *out, const char *key, const char *text) {
    tg_strbuf_printf(out, "\"%s\": ", key);
    if (text) {
        tg_strbuf_json(out, text, strlen(text));
    } else {
        tg_strbuf_puts(out, "null");
    }
}

static void put_span(const tg_diags *d, tg_strbuf *out, tg_span span) {
    const tg_source *src = tg_sources_get(d->sources, span.file);
    if (!src) {
        tg_strbuf_puts(out, "\"span\": null");
        return;
    }
    uint32_t line, column, end_line, end_column;
    tg_source_position(src, span.begin, &line, &column);
    tg_source_position(src, span.end, &end_line, &end_column);
    tg_strbuf_puts(out, "\"span\": {");
    put_text(out, "file", src->path);
    tg_strbuf_printf(out, ", \"begin\": %u, \"end\": %u, \"line\": %u, \"column\": %u",
                     span.begin, span.end, line, column);
    tg_strbuf_printf(out, ", \"end_line\": %u, \"end_column\": %u}", end_line, end_column);
}

static void put_spanned(const tg_diags *d, tg_strbuf *out, bool is_first, tg_span span,
                        const char *text) {
    tg_strbuf_puts(out, is_first ? "{" : ", {");
    put_span(d, out, span);
    tg_strbuf_puts(out, ", ");
    put_text(out, "text", text);
    tg_strbuf_putc(out, '}');
}

static void put_texts(tg_strbuf *out, const char *key, const char *const *texts, uint32_t n) {
    tg_strbuf_printf(out, ", \"%s\": [", key);
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_puts(out, i ? ", " : "");
        tg_strbuf_json(out, texts[i], strlen(texts[i]));
    }
    tg_strbuf_putc(out, ']');
}

static const char *severity_name(tg_severity severity) {
    static const char *const names[] = {[TG_SEV_ERROR] = "error",
                                        [TG_SEV_WARNING] = "warning",
                                        [TG_SEV_LAUNCH] = "launch error"};
    return names[severity];
}

static void put_diag(const tg_diags *d, tg_strbuf *out, const tg_diag *diag) {
    tg_strbuf_putc(out, '{');
    put_text(out, "code", tg_diag_code_name(diag->code));
    tg_strbuf_puts(out, ", ");
    put_text(out, "severity", severity_name(tg_diag_severity(diag->code)));
    tg_strbuf_puts(out, ", ");
    put_text(out, "title", tg_diag_title(diag->code));
    tg_strbuf_puts(out, ", ");
    put_text(out, "message", diag->message);
    tg_strbuf_puts(out, ", ");
    put_span(d, out, diag->span);
    tg_strbuf_puts(out, ", ");
    put_text(out, "label", diag->label);
    tg_strbuf_puts(out, ", \"labels\": [");
    for (uint32_t i = 0; i < diag->labels.len; i++) {
        put_spanned(d, out, i == 0, diag->labels.data[i].span, diag->labels.data[i].text);
    }
    tg_strbuf_putc(out, ']');
    put_texts(out, "notes", diag->notes.data, diag->notes.len);
    put_texts(out, "help", diag->helps.data, diag->helps.len);
    tg_strbuf_puts(out, ", \"edits\": [");
    for (uint32_t i = 0; i < diag->edits.len; i++) {
        put_spanned(d, out, i == 0, diag->edits.data[i].span, diag->edits.data[i].text);
    }
    tg_strbuf_puts(out, "]}");
}

void tg_diags_render_json(const tg_diags *d, tg_strbuf *out) {
    tg_strbuf_putc(out, '[');
    for (uint32_t i = 0; i < d->list.len; i++) {
        tg_strbuf_puts(out, i ? ",\n " : "");
        put_diag(d, out, d->list.data[i]);
    }
    tg_strbuf_puts(out, "]\n");
}
