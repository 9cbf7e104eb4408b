/* The text of a kernel's `print`: fields `{}` or `{:SPEC}` with SPEC =
 * [0][width][.precision][d|x|f|e|g]. The SPEC is parsed here and given to snprintf piece by
 * piece, so a format of a kernel is never a format of C. */
#include "base/abi.h"
#include "base/io.h"

#include <string.h>

struct sink {
    char *out;
    size_t size, len; /* len may pass size: the full length */
};

static void put(struct sink *s, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++, s->len++) {
        if (s->len + 1 < s->size) {
            s->out[s->len] = text[i];
        }
    }
}

struct field {
    bool zero, has_precision;
    int width, precision;
    char style; /* 0: by type */
};

static const char *parse_number(const char *p, int *out) {
    *out = 0;
    while (*p >= '0' && *p <= '9') {
        *out = *out > 100 ? 100 : *out * 10 + (*p - '0');
        p++;
    }
    return p;
}

/* `p` is behind the brace; returns the place behind the closing one, or null if this is no
 * field. */
static const char *parse_field(const char *p, struct field *f) {
    *f = (struct field){0};
    if (*p == ':') {
        p++;
        f->zero = *p == '0';
        p = parse_number(p, &f->width);
        if (*p == '.') {
            f->has_precision = true;
            p = parse_number(p + 1, &f->precision);
        }
        if (*p && strchr("dxfeg", *p)) {
            f->style = *p++;
        }
    }
    return *p == '}' ? p + 1 : NULL;
}

static size_t format_float(char *out, size_t size, const struct field *f, double v) {
    int precision = f->has_precision ? f->precision : 6;
    switch (f->style) {
    case 'f':
        return f->zero ? tg_format(out, size, "%0*.*f", f->width, precision, v)
                       : tg_format(out, size, "%*.*f", f->width, precision, v);
    case 'e':
        return tg_format(out, size, "%*.*e", f->width, precision, v);
    default:
        return tg_format(out, size, "%*.*g", f->width, f->has_precision ? precision : 9, v);
    }
}

static size_t format_int(char *out, size_t size, const struct field *f, uint8_t kind,
                         int64_t v) {
    unsigned long long u = (unsigned long long)v;
    if (f->style == 'x') {
        return f->zero ? tg_format(out, size, "%0*llx", f->width, u)
                       : tg_format(out, size, "%*llx", f->width, u);
    }
    if (f->style == 'f' || f->style == 'e' || f->style == 'g') {
        return format_float(out, size, f,
                            kind == TG_PRINT_UNSIGNED ? (double)(uint64_t)v : (double)v);
    }
    if (kind == TG_PRINT_UNSIGNED) {
        return tg_format(out, size, "%*llu", f->width, u);
    }
    return f->zero ? tg_format(out, size, "%0*lld", f->width, (long long)v)
                   : tg_format(out, size, "%*lld", f->width, (long long)v);
}

static void put_value(struct sink *s, const struct field *f, uint8_t kind, const char *cell) {
    char text[512];
    size_t n;
    if (kind == TG_PRINT_BOOL && !f->style) {
        n = tg_format(text, sizeof text, "%s", *cell ? "true" : "false");
    } else if (kind == TG_PRINT_FLOAT) {
        double v;
        memcpy(&v, cell, sizeof v);
        n = format_float(text, sizeof text, f, v);
    } else {
        int64_t v;
        memcpy(&v, cell, sizeof v);
        n = format_int(text, sizeof text, f, kind, v);
    }
    put(s, text, n < sizeof text ? n : sizeof text - 1);
}

size_t tg_format_print(char *out, size_t size, const char *format, const void *values,
                       const uint8_t *kinds, int32_t n) {
    struct sink s = {out, size, 0};
    int32_t used = 0;
    for (const char *p = format; *p;) {
        struct field f;
        const char *end = *p == '{' ? parse_field(p + 1, &f) : NULL;
        if (end && used < n) {
            put_value(&s, &f, kinds[used], (const char *)values + 8 * (size_t)used);
            used++;
            p = end;
        } else if ((p[0] == '{' && p[1] == '{') || (p[0] == '}' && p[1] == '}')) {
            put(&s, p, 1);
            p += 2;
        } else {
            put(&s, p++, 1);
        }
    }
    if (size) {
        out[s.len < size ? s.len : size - 1] = '\0';
    }
    return s.len;
}
