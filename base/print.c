/* The text of a kernel's `print`: fields `{}` or `{:SPEC}` with SPEC =
 * [0][width][.precision][d|x|f|e|g]. The SPEC is parsed here and given to snprintf piece by
 * piece, so a format of a kernel is never a format of C. A SPEC holds for all values of a tile. */
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

static void put_value(struct sink *s, const struct field *f, int kind, const void *cells) {
    char text[512];
    double v[2];
    int64_t i;
    size_t n;
    memcpy(&i, cells, sizeof i);
    memcpy(v, cells, kind == TG_PRINT_COMPLEX ? sizeof v : sizeof v[0]);
    if (kind == TG_PRINT_BOOL && !f->style) {
        n = tg_format(text, sizeof text, "%s", i & 0xff ? "true" : "false");
    } else if (kind == TG_PRINT_FLOAT || kind == TG_PRINT_COMPLEX) {
        n = format_float(text, sizeof text, f, v[0]);
    } else {
        n = format_int(text, sizeof text, f, (uint8_t)kind, i);
    }
    put(s, text, n < sizeof text ? n : sizeof text - 1);
    if (kind == TG_PRINT_COMPLEX) {
        put(s, text, tg_format(text, sizeof text, "%+gi", v[1]));
    }
}

static void put_index(struct sink *s, const tg_print_tile *t, int64_t point) {
    int64_t index[8];
    for (int64_t d = t->rank; d-- > 0;) {
        index[d] = t->first[d] + point % t->size[d];
        point /= t->size[d];
    }
    for (int64_t d = 0; d < t->rank; d++) {
        char text[32];
        put(s, text,
            tg_format(text, sizeof text, "%s%lld", d ? ", " : "[", (long long)index[d]));
    }
    put(s, "]: ", 3);
}

static void put_tile(struct sink *s, const struct field *f, int kind, const tg_print_tile *t) {
    int64_t n = 1;
    for (int64_t d = 0; d < t->rank; d++) {
        n = t->size[d] > TG_PRINT_POINTS ? n * (TG_PRINT_POINTS + 1) : n * t->size[d];
        n = n > TG_PRINT_POINTS ? TG_PRINT_POINTS + 1 : n; /* how many more does not matter */
    }
    put(s, "{", 1);
    for (int64_t p = 0; p < n && p < TG_PRINT_POINTS; p++) {
        put(s, ", ", p ? 2 : 0);
        put_index(s, t, p);
        put_value(s, f, kind, t->values[p]);
    }
    put(s, n > TG_PRINT_POINTS ? ", ...}" : "}", n > TG_PRINT_POINTS ? 6 : 1);
}

/* Puts one operand; returns the cell after it. */
static const int64_t *put_operand(struct sink *s, const struct field *f, int kind,
                                  const int64_t *cell) {
    if (kind & TG_PRINT_TILE) {
        const tg_print_tile *tile;
        memcpy(&tile, cell, sizeof tile);
        put_tile(s, f, kind & ~TG_PRINT_TILE, tile);
        return cell + 1;
    }
    put_value(s, f, kind, cell);
    return cell + (kind == TG_PRINT_COMPLEX ? 2 : 1);
}

size_t tg_format_print(char *out, size_t size, const char *format, const void *values,
                       const uint8_t *kinds, int32_t n) {
    struct sink s = {out, size, 0};
    const int64_t *cell = values;
    int32_t used = 0;
    for (const char *p = format; *p;) {
        struct field f;
        const char *end = *p == '{' ? parse_field(p + 1, &f) : NULL;
        if (end && used < n) {
            cell = put_operand(&s, &f, kinds[used++], cell);
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
