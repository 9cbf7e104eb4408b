/* The FLOP and byte formulas of stdlib.def: recursive descent, evaluated while reading.
 *
 *   sum = product { (+|-) product }    product = atom { (*|/) atom }
 *   atom = number | name | name ( sum { , sum } ) | ( sum ) */
#include "stdlib/stdlib.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    const char *at;
    tg_std_name_fn *name;
    void *user;
    bool ok;
    uint32_t depth;
} reader;

enum { MAX_DEPTH = 32 };

static bool take(reader *r, char c) {
    r->at += strspn(r->at, " ");
    bool found = *r->at == c;
    r->at += found;
    return found;
}

static double read_sum(reader *r);

static void expect(reader *r, char c) {
    r->ok = take(r, c) && r->ok;
}

static double read_call(reader *r, const char *name, size_t n) {
    double a = read_sum(r);
    if (n == 4 && memcmp(name, "log2", 4) == 0) {
        expect(r, ')');
        return log2(a);
    }
    bool is_min = n == 3 && memcmp(name, "min", 3) == 0,
         is_max = n == 3 && memcmp(name, "max", 3) == 0;
    r->ok = r->ok && (is_min || is_max);
    expect(r, ',');
    double b = read_sum(r);
    expect(r, ')');
    return is_min ? fmin(a, b) : fmax(a, b);
}

static size_t name_length(const char *s) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t n = strspn(s, letters);
    while (n && (strchr(letters, s[n]) || (s[n] >= '0' && s[n] <= '9')) && s[n]) {
        n++;
    }
    return n;
}

/* Digits, perhaps a point and more: strtod would follow the locale. */
static double read_number(reader *r) {
    double v = 0, unit = 1;
    bool fraction = false;
    for (; (*r->at >= '0' && *r->at <= '9') || (*r->at == '.' && !fraction); r->at++) {
        fraction = fraction || *r->at == '.';
        if (*r->at != '.') {
            v = 10 * v + (*r->at - '0');
            unit *= fraction ? 10 : 1;
        }
    }
    return v / unit;
}

static double read_atom(reader *r) {
    r->at += strspn(r->at, " ");
    if (take(r, '(')) {
        double v = read_sum(r);
        expect(r, ')');
        return v;
    }
    if (*r->at >= '0' && *r->at <= '9') {
        return read_number(r);
    }
    size_t n = name_length(r->at);
    const char *name = r->at;
    r->at += n;
    if (n && take(r, '(')) {
        return read_call(r, name, n);
    }
    double v = 0;
    r->ok = r->ok && n && r->name(r->user, name, n, &v);
    return v;
}

static double read_product(reader *r) {
    double v = read_atom(r);
    while (r->ok) {
        if (take(r, '*')) {
            v *= read_atom(r);
        } else if (take(r, '/')) {
            v /= read_atom(r);
        } else {
            break;
        }
    }
    return v;
}

static double read_sum(reader *r) {
    r->ok = r->ok && ++r->depth < MAX_DEPTH;
    double v = r->ok ? read_product(r) : 0;
    while (r->ok) {
        if (take(r, '+')) {
            v += read_product(r);
        } else if (take(r, '-')) {
            v -= read_product(r);
        } else {
            break;
        }
    }
    r->depth--;
    return v;
}

bool tg_std_evaluate(const char *formula, tg_std_name_fn *name, void *user, double *out) {
    reader r = {formula, name, user, true, 0};
    *out = read_sum(&r);
    return r.ok && r.at[strspn(r.at, " ")] == '\0';
}

/* ---- names of a launch ------------------------------------------------------------------- */

typedef struct launch_names {
    const tg_signature *sig;
    const tg_launch_binding *binding;
    const tg_launch_arg *args;
} launch_names;

static bool is_name(const char *have, const char *name, size_t n) {
    return strncmp(have, name, n) == 0 && have[n] == '\0';
}

static double bytes_of(tg_dtype t) {
    return (double)tg_dtype_bits(t) / 8;
}

static bool find_name(void *user, const char *name, size_t n, double *value) {
    const launch_names *l = user;
    for (uint32_t i = 0; i < l->sig->n_dims; i++) {
        if (is_name(l->sig->dims[i].name, name, n)) {
            *value = (double)l->binding->dims[i];
            return true;
        }
    }
    for (uint32_t i = 0; i < l->sig->n_tparams; i++) {
        if (is_name(l->sig->tparams[i].name, name, n)) {
            *value = bytes_of(l->binding->types[i]);
            return true;
        }
    }
    for (uint32_t i = 0; i < l->sig->n_params; i++) {
        const tg_sig_param *p = &l->sig->params[i];
        if (p->kind == TG_SP_SCALAR && is_name(p->name, name, n)) {
            const tg_scalar *s = &l->args[i].scalar;
            *value = tg_dtype_is_float(s->dtype) ? s->f : (double)s->i;
            return true;
        }
    }
    return false;
}

/* Every tensor once, what is read and written twice. */
static double tensor_bytes(const tg_signature *sig, const tg_launch_arg *args) {
    double sum = 0;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (args[i].tensor) {
            double n = bytes_of(args[i].dtype);
            for (uint32_t d = 0; d < args[i].rank; d++) {
                n *= (double)args[i].tensor->shape[d];
            }
            sum += sig->params[i].kind == TG_SP_INOUT ? 2 * n : n;
        }
    }
    return sum;
}

bool tg_std_work(tg_std_row row, const tg_signature *sig, const tg_launch_binding *b,
                 const tg_launch_arg *args, double *flops, double *bytes) {
    const tg_std_info *r = &tg_std_table[row];
    launch_names names = {sig, b, args};
    *bytes = r->bytes ? 0 : tensor_bytes(sig, args);
    return tg_std_evaluate(r->flops, find_name, &names, flops) &&
           (!r->bytes || tg_std_evaluate(r->bytes, find_name, &names, bytes));
}
