/* Text under construction, formatted arena strings, JSON escapes. The buffer doubles in its
 * arena; the abandoned halves cost at most the final size once more. */
#include "base/arena.h"
#include "base/io.h"

#include <string.h>

char *tg_arena_vprintf(tg_arena *arena, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    size_t n = tg_vformat(NULL, 0, fmt, args);
    char *text = tg_arena_alloc(arena, n + 1, 1);
    tg_vformat(text, n + 1, fmt, again);
    va_end(again);
    return text;
}

char *tg_arena_printf(tg_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = tg_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

void tg_strbuf_init(tg_strbuf *s, tg_arena *arena) {
    s->arena = arena;
    s->len = 0;
    s->cap = 64;
    s->data = tg_arena_alloc(arena, s->cap, 1);
}

/* Makes room for n more bytes and the NUL. */
static void reserve(tg_strbuf *s, size_t n) {
    if (n < s->cap - s->len) {
        return;
    }
    size_t cap = s->cap;
    while (cap - s->len <= n) {
        if (cap > SIZE_MAX / 2) {
            tg_unwind_to(tg_arena_unwind(s->arena), TG_ERROR_OUT_OF_MEMORY);
        }
        cap *= 2;
    }
    char *data = tg_arena_alloc(s->arena, cap, 1);
    memcpy(data, s->data, s->len);
    s->data = data;
    s->cap = cap;
}

void tg_strbuf_put(tg_strbuf *s, const char *text, size_t n) {
    reserve(s, n);
    if (n) {
        memcpy(s->data + s->len, text, n);
    }
    s->len += n;
    s->data[s->len] = '\0';
}

void tg_strbuf_puts(tg_strbuf *s, const char *text) {
    tg_strbuf_put(s, text, strlen(text));
}

void tg_strbuf_putc(tg_strbuf *s, char c) {
    tg_strbuf_put(s, &c, 1);
}

void tg_strbuf_printf(tg_strbuf *s, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t n = tg_vformat(NULL, 0, fmt, args);
    va_end(args);
    reserve(s, n);
    va_start(args, fmt);
    tg_vformat(s->data + s->len, n + 1, fmt, args);
    va_end(args);
    s->len += n;
}

/* Length of the well-formed UTF-8 sequence at text[0..n), 0 if there is none (RFC 3629, section
 * 4). */
static size_t utf8_length(const unsigned char *t, size_t n) {
    if (t[0] < 0x80) {
        return 1;
    }
    size_t len = t[0] >= 0xc2 && t[0] < 0xe0   ? 2
                 : (t[0] & 0xf0) == 0xe0       ? 3
                 : t[0] >= 0xf0 && t[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || len > n) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((t[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xf0 && t[1] < 0x90);
    bool out_of_range = (t[0] == 0xed && t[1] >= 0xa0) || (t[0] == 0xf4 && t[1] >= 0x90);
    return overlong || out_of_range ? 0 : len;
}

static void put_json_ascii(tg_strbuf *s, char c) {
    switch (c) {
    case '"':
        tg_strbuf_puts(s, "\\\"");
        break;
    case '\\':
        tg_strbuf_puts(s, "\\\\");
        break;
    case '\n':
        tg_strbuf_puts(s, "\\n");
        break;
    case '\t':
        tg_strbuf_puts(s, "\\t");
        break;
    case '\r':
        tg_strbuf_puts(s, "\\r");
        break;
    default:
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            tg_strbuf_printf(s, "\\u%04x", (unsigned)c);
        } else {
            tg_strbuf_putc(s, c);
        }
    }
}

void tg_strbuf_json(tg_strbuf *s, const char *text, size_t n) {
    tg_strbuf_putc(s, '"');
    for (size_t i = 0; i < n;) {
        size_t len = utf8_length((const unsigned char *)text + i, n - i);
        if (len == 1) {
            put_json_ascii(s, text[i]);
        } else if (len) {
            tg_strbuf_put(s, text + i, len);
        } else {
            tg_strbuf_puts(s, "\\ufffd");
            len = 1;
        }
        i += len;
    }
    tg_strbuf_putc(s, '"');
}
