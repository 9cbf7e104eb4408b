/* Line breaking for the formatter.
 *
 * A text that fits is one line. Otherwise lines are filled greedily: among the break places
 * that still fit, the one with the lowest level (the loosest binding) is taken, the last of
 * equals. The result depends on the text and the indentation only, never on how the source was
 * broken, so formatting twice changes nothing. */
#include "dsl/parser/fmt_private.h"

#include <string.h>

void tg_fmt_text_init(fmt_text *t, tg_arena *arena, const tg_source *source) {
    memset(t, 0, sizeof *t);
    t->arena = arena;
    t->source = source;
    tg_strbuf_init(&t->text, arena);
}

void tg_fmt_puts(fmt_text *t, const char *text) {
    tg_strbuf_puts(&t->text, text);
}

void tg_fmt_space(fmt_text *t, uint32_t level) {
    tg_vec_push(t->arena, &t->breaks, (fmt_break){t->text.len, t->level + level});
    tg_strbuf_putc(&t->text, ' ');
}

void tg_fmt_comma(fmt_text *t) {
    tg_fmt_puts(t, ",");
    tg_fmt_space(t, 0);
}

void tg_fmt_open(fmt_text *t, const char *bracket) {
    tg_fmt_puts(t, bracket);
    t->level += TG_FMT_NEST;
}

void tg_fmt_close(fmt_text *t, const char *bracket) {
    tg_fmt_puts(t, bracket);
    t->level -= TG_FMT_NEST;
}

/* Columns of a stretch of UTF-8: one per code point. */
static size_t columns(const char *text, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

bool tg_fmt_fits(const fmt_text *t, int indent, size_t more) {
    return columns(t->text.data, t->text.len) + (size_t)indent + more <= TG_FMT_WIDTH;
}

/* The break that ends the line starting at `from`, or NULL if the rest fits or cannot be
 * broken. *next: index of the first break not considered yet. */
static const fmt_break *choose(const fmt_text *t, size_t from, uint32_t *next, size_t room) {
    const fmt_break *best = NULL;
    size_t width = 0, seen = from;
    for (uint32_t i = *next; i < t->breaks.len; i++) {
        const fmt_break *b = &t->breaks.data[i];
        width += columns(t->text.data + seen, b->at - seen);
        seen = b->at;
        if (best && width > room)
            break;
        if (!best || b->level <= best->level)
            best = b;
    }
    if (best)
        *next = (uint32_t)(best - t->breaks.data) + 1;
    return best;
}

void tg_fmt_wrap(const fmt_text *t, int indent, int continued, tg_strbuf *out) {
    size_t from = 0;
    uint32_t next = 0;
    int column = indent;
    for (;;) {
        size_t room = column < TG_FMT_WIDTH ? (size_t)(TG_FMT_WIDTH - column) : 0;
        const fmt_break *b = columns(t->text.data + from, t->text.len - from) <= room
                                 ? NULL
                                 : choose(t, from, &next, room);
        size_t end = b ? b->at : t->text.len;
        tg_strbuf_put(out, t->text.data + from, end - from);
        if (!b)
            return;
        tg_strbuf_printf(out, "\n%*s", continued, "");
        from = end + 1;
        column = continued;
    }
}
