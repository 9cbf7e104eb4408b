/* A case's text to arguments: "M=3 act=true -bias strided" and the row's fills. See kernels.h. */
#include "runtime/random.h"
#include "tests/kernels/kernels.h"
#include "tests/support/guarded.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kcase_fail(kcase *c, const char *fmt, ...) {
    if (c->failed) {
        return;
    }
    va_list va;
    va_start(va, fmt);
    (void)vsnprintf(c->message, sizeof c->message, fmt, va);
    va_end(va);
    c->failed = true;
}

/* ---- names ------------------------------------------------------------------------------- */

static int find_param(const kcase *c, const char *name) {
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (strcmp(sig->params[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int find_dim(const kcase *c, const char *name) {
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (strcmp(sig->dims[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int need(int found, const kcase *c, const char *name) {
    if (found < 0) {
        fprintf(stderr, "kernels: %s has no %s\n", c->row->kernel, name);
        abort();
    }
    return found;
}

double *kt(const kcase *c, const char *name) {
    return c->elements[need(find_param(c, name), c, name)];
}

int64_t kn(const kcase *c, const char *name) {
    const tg_tensor *t = c->tensors[need(find_param(c, name), c, name)];
    return t ? tg_tensor_n_elements(t) : 0;
}

tg_dtype kdtype(const kcase *c, const char *name) {
    return tg_param_dtype(&c->kernel->signature->params[need(find_param(c, name), c, name)],
                          c->selection.types);
}

double knumber(const kcase *c, const char *name) {
    const tg_scalar *s = &c->scalars[need(find_param(c, name), c, name)];
    return tg_dtype_is_float(s->dtype) ? s->f : (double)s->i;
}

double klimit(const kcase *c, const char *name, bool largest) {
    tg_dtype t = kdtype(c, name);
    int bits = tg_dtype_bits(t);
    if (tg_dtype_is_float(t)) {
        return largest ? INFINITY : -INFINITY;
    }
    bool is_signed = tg_dtype_kind_of(t) == TG_KIND_SINT;
    return largest ? ldexp(1, bits - is_signed) - 1 : is_signed ? -ldexp(1, bits - 1) : 0;
}

int64_t kwidth(const kcase *c, const char *name) {
    return tg_dtype_kind_of(kdtype(c, name)) == TG_KIND_COMPLEX ? 2 : 1;
}

int64_t kd(const kcase *c, const char *name) {
    int d = find_dim(c, name);
    return d >= 0 ? c->binding.dims[d] : c->scalars[need(find_param(c, name), c, name)].i;
}

bool khas(const kcase *c, const char *name) {
    return find_dim(c, name) >= 0 || find_param(c, name) >= 0;
}

double *kt_if(const kcase *c, const char *name) {
    return khas(c, name) ? kt(c, name) : NULL;
}

int64_t kd_or(const kcase *c, const char *name, int64_t otherwise) {
    return khas(c, name) ? kd(c, name) : otherwise;
}

double kf_or(const kcase *c, const char *name, double otherwise) {
    return khas(c, name) ? kf(c, name) : otherwise;
}

const char *kname(const kcase *c, const char *a, const char *b) {
    return khas(c, a) ? a : b;
}

double kf(const kcase *c, const char *name) {
    return c->scalars[need(find_param(c, name), c, name)].f;
}

bool kb(const kcase *c, const char *name) {
    return c->scalars[need(find_param(c, name), c, name)].i != 0;
}

void kpointer(kcase *c, const char *name, void *p) {
    int i = need(find_param(c, name), c, name);
    c->values[i] = tg_argument_pointer(p);
    c->scalars[i] = (tg_scalar){.dtype = TG_U64, .i = (int64_t)(uintptr_t)p};
}

double krandom(kcase *c, double low, double high) {
    tg_random r = {c->seed};
    double u = tg_random_unit(&r);
    c->seed = r.state;
    return low + (high - low) * u;
}

int64_t krandint(kcase *c, int64_t low, int64_t high) {
    tg_random r = {c->seed};
    int64_t v = low >= high ? low : tg_random_range(&r, low, high);
    c->seed = r.state;
    return v;
}

bool kcase_is_written(const kcase *c, uint32_t i) {
    return c->tensors[i] && c->kernel->signature->params[i].kind != TG_SP_IN;
}

int64_t kcase_width(const kcase *c, uint32_t i) {
    return tg_dtype_kind_of(c->tensors[i]->dtype) == TG_KIND_COMPLEX ? 2 : 1;
}

/* ---- reading the text -------------------------------------------------------------------- */

typedef struct words {
    char text[512];
    char *items[40];
    uint32_t n;
} words;

static void split(words *w, const char *text) {
    w->n = 0;
    size_t n = strcspn(text, "|");
    n = n < sizeof w->text - 1 ? n : sizeof w->text - 1;
    memcpy(w->text, text, n);
    w->text[n] = '\0';
    for (char *p = strtok(w->text, " "); p && w->n < 40; p = strtok(NULL, " ")) {
        w->items[w->n++] = p;
    }
}

static const char *value_of(const words *w, const char *name) {
    size_t n = strlen(name);
    for (uint32_t i = 0; i < w->n; i++) {
        if (strncmp(w->items[i], name, n) == 0 && w->items[i][n] == '=') {
            return w->items[i] + n + 1;
        }
    }
    return NULL;
}

static bool is_constant(const kcase *c, const char *name) {
    int p = find_param(c, name), d = find_dim(c, name);
    return (p >= 0 && c->kernel->signature->params[p].const_slot >= 0) ||
           (d >= 0 && c->kernel->signature->dims[d].const_slot >= 0);
}

/* Types, constants and absent tensors. */
static bool select_variant(kcase *c, const words *w) {
    const char *bindings[48], *absent[8];
    char types[16][48], name[64];
    const char *type = c->type; /* "f32", or with a type per parameter "f32/bf16" */
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = bindings, .absent = absent};
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        (void)snprintf(types[i], sizeof types[i], "%s=%.*s", sig->tparams[i].name,
                       (int)strcspn(type, "/"), type);
        type += strcspn(type, "/") + (strchr(type, '/') != NULL);
        type = *type ? type : c->type;
        bindings[spec.n_bindings++] = types[i];
    }
    for (uint32_t i = 0; i < w->n; i++) {
        const char *item = w->items[i];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(item, "="), item);
        if (item[0] == '-') {
            absent[spec.n_absent++] = item + 1;
        } else if (strcmp(item, "strided") == 0) {
            c->strided = true;
        } else if (strcmp(item, "cropped") == 0) {
            c->cropped = true;
        } else if (strcmp(item, "transposed") == 0) {
            c->transposed = true;
        } else if (strcmp(item, "moved") == 0) {
            c->moved = true;
        } else if (strcmp(item, "reversed") == 0) {
            c->reversed = true;
        } else if (find_param(c, name) < 0 && find_dim(c, name) < 0) {
            kcase_fail(c, "no parameter is called %s", name);
        } else if (is_constant(c, name)) {
            bindings[spec.n_bindings++] = item;
        }
    }
    if (!c->failed && tg_selection_read(c->kernel, &spec, &c->selection)) {
        kcase_fail(c, "%s", tg_last_error(c->kernel->context));
    }
    memcpy(c->binding.types, c->selection.types, sizeof c->binding.types);
    memcpy(c->binding.consts, c->selection.consts, sizeof c->binding.consts);
    return !c->failed;
}

static void set_scalar(kcase *c, uint32_t i, const words *w) {
    const tg_sig_param *p = &c->kernel->signature->params[i];
    const char *text = value_of(w, p->name);
    tg_scalar v = p->has_default ? p->default_value : (tg_scalar){.dtype = TG_I64, .i = 1};
    if (text && !tg_scalar_parse(text, &v)) {
        kcase_fail(c, "%s=%s is no number", p->name, text);
        return;
    }
    c->scalars[i] = tg_scalar_convert(v, tg_param_dtype(p, c->selection.types));
    bool is_bool = v.dtype == TG_BOOL;
    c->values[i] = is_bool                    ? tg_argument_bool(v.i != 0)
                   : tg_dtype_is_int(v.dtype) ? tg_argument_int(v.i)
                                              : tg_argument_float(v.f);
    /* a float handed to an integer literal and the like */
    if (!is_bool && tg_dtype_is_float(c->scalars[i].dtype)) {
        c->values[i] = tg_argument_float(c->scalars[i].f);
    }
}

static void set_numbers(kcase *c, const words *w) {
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        const char *text = value_of(w, sig->dims[i].name);
        c->binding.dims[i] = text ? strtoll(text, NULL, 10) : 1;
        if (!text) {
            kcase_fail(c, "the case does not give %s", sig->dims[i].name);
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (sig->params[i].kind == TG_SP_SCALAR) {
            set_scalar(c, i, w);
        }
    }
}

/* ---- tensors ----------------------------------------------------------------------------- */

static void scalar_args(const kcase *c, tg_launch_arg *args) {
    for (uint32_t i = 0; i < c->kernel->signature->n_params; i++) {
        args[i] = (tg_launch_arg){.dtype = c->scalars[i].dtype, .scalar = c->scalars[i]};
    }
}

/* Part of a tensor that is longer in dimension d: rows are not adjacent if that is the last. */
static tg_tensor *create_cut(const kcase *c, tg_dtype dtype, uint32_t rank,
                             const int64_t *shape, uint32_t d) {
    int64_t larger[TG_MAX_RANK];
    memcpy(larger, shape, rank * sizeof *larger);
    larger[d] += 3;
    tg_tensor *t = tg_tensor_create(c->kernel->context, dtype, rank, larger);
    tg_tensor *view = t ? tg_tensor_slice(t, d, 1, 1 + shape[d]) : NULL;
    tg_tensor_release(t);
    return view;
}

/* The last dimension but one is the adjacent one. */
static tg_tensor *create_transposed(const kcase *c, tg_dtype dtype, uint32_t rank,
                                    const int64_t *shape) {
    int64_t other[TG_MAX_RANK];
    uint32_t order[TG_MAX_RANK];
    for (uint32_t d = 0; d < rank; d++) {
        order[d] = d + 1 == rank ? rank - 2 : d + 2 == rank ? rank - 1 : d;
        other[d] = shape[order[d]];
    }
    tg_tensor *t = tg_tensor_create(c->kernel->context, dtype, rank, other);
    tg_tensor *view = t ? tg_tensor_permute(t, order) : NULL;
    tg_tensor_release(t);
    return view;
}

/* The last dimension lies around all but the first, as channels in NCHW. */
static tg_tensor *create_moved(const kcase *c, tg_dtype dtype, uint32_t rank,
                               const int64_t *shape) {
    int64_t other[TG_MAX_RANK];
    uint32_t order[TG_MAX_RANK];
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t first = rank > 2; /* the first dimension stays */
        order[d] = d < first ? d : d + 1 == rank ? first : d + 1;
        other[order[d]] = shape[d];
    }
    tg_tensor *t = tg_tensor_create(c->kernel->context, dtype, rank, other);
    tg_tensor *view = t ? tg_tensor_permute(t, order) : NULL;
    tg_tensor_release(t);
    return view;
}

/* All strides are negative. */
static tg_tensor *create_reversed(const kcase *c, tg_dtype dtype, uint32_t rank,
                                  const int64_t *shape) {
    tg_tensor *t = tg_tensor_create(c->kernel->context, dtype, rank, shape);
    int64_t strides[TG_MAX_RANK], last = 0;
    for (uint32_t d = 0; t && d < rank; d++) {
        strides[d] = -tg_tensor_strides(t)[d];
        last += shape[d] ? (shape[d] - 1) * tg_tensor_strides(t)[d] : 0;
    }
    tg_tensor *view = t && tg_tensor_n_elements(t)
                          ? tg_tensor_view(t, rank, shape, strides, last)
                          : tg_tensor_retain(t);
    tg_tensor_release(t);
    return view;
}

static tg_tensor *create(const kcase *c, tg_dtype dtype, uint32_t rank, const int64_t *shape) {
    bool plain = rank == 0 || tg_dtype_bits(dtype) == 4;
    if (c->strided && !plain) {
        return create_cut(c, dtype, rank, shape, rank - 1);
    }
    if (c->cropped && !plain) {
        return create_cut(c, dtype, rank, shape, rank > 1 ? rank - 2 : 0);
    }
    if (c->transposed && !plain && rank > 1) {
        return create_transposed(c, dtype, rank, shape);
    }
    if (c->moved && !plain && rank > 1) {
        return create_moved(c, dtype, rank, shape);
    }
    if (c->reversed && !plain) {
        return create_reversed(c, dtype, rank, shape);
    }
    return tg_tensor_create(c->kernel->context, dtype, rank, shape);
}

/* ---- memory with nothing around it -------------------------------------------------------- */

typedef struct guarded {
    void *memory;
    size_t bytes;
} guarded;

static void free_guarded(void *user) {
    guarded *g = user;
    guarded_free(g->memory, g->bytes);
    free(g);
}

/* The same view of memory that begins with its first byte and ends with its last. Takes t over. */
static tg_tensor *alone(tg_tensor *t, bool at_start) {
    int64_t least = 0, most = 0;
    for (uint32_t d = 0; t && d < t->rank; d++) {
        int64_t last = (tg_tensor_shape(t)[d] - 1) * tg_tensor_strides(t)[d];
        least += last < 0 ? last : 0;
        most += last > 0 ? last : 0;
    }
    if (!t || !tg_tensor_n_elements(t)) {
        return t;
    }
    int64_t bits = tg_dtype_bits(t->dtype);
    guarded *g = malloc(sizeof *g);
    g->bytes = (size_t)((most - least + 1) * bits + 7) / 8;
    g->memory = guarded_new_at(g->bytes, at_start);
    void *first = (char *)g->memory - least * bits / 8;
    tg_tensor *view = tg_tensor_from_memory(t->context, t->dtype, t->rank, tg_tensor_shape(t), tg_tensor_strides(t), first, free_guarded, g);
    tg_tensor_release(t);
    return view;
}

static void make_tensor(kcase *c, uint32_t i) {
    const tg_sig_param *p = &c->kernel->signature->params[i];
    tg_launch_arg args[TG_MAX_PARAMS];
    int64_t shape[TG_MAX_RANK];
    scalar_args(c, args);
    if (!tg_signature_infer_shape(c->kernel->signature, &c->binding, args, i, shape)) {
        kcase_fail(c, "the shape of %s cannot be worked out", p->name);
        return;
    }
    tg_dtype dtype = tg_param_dtype(p, c->selection.types);
    c->tensors[i] = alone(create(c, dtype, p->rank, shape), c->at_start);
    c->expected[i] = p->kind == TG_SP_IN
                         ? NULL
                         : tg_tensor_create(c->kernel->context, dtype, p->rank, shape);
    if (!c->tensors[i] || (p->kind != TG_SP_IN && !c->expected[i])) {
        kcase_fail(c, "%s: %s", p->name, tg_last_error(c->kernel->context));
        return;
    }
    c->values[i] = tg_argument_tensor(c->tensors[i]);
    c->elements[i] =
        calloc((size_t)tg_tensor_n_elements(c->tensors[i]) * 2 + 1, sizeof(double));
}

/* NUMBER, NAME, NAME-NUMBER or NAME+NUMBER */
static double bound_value(const kcase *c, const char **text) {
    char *end, name[32];
    double v = strtod(*text, &end);
    if (end != *text) {
        *text = end;
        return v;
    }
    size_t n = strcspn(*text, ":+-");
    (void)snprintf(name, sizeof name, "%.*s", (int)n, *text);
    *text += n;
    v = (double)kd(c, name);
    if (**text == '-' || **text == '+') {
        v += strtod(*text, &end);
        *text = end;
    }
    return v;
}

static void fill(kcase *c, uint32_t i, const words *fills) {
    tg_tensor *t = c->tensors[i];
    const char *how = value_of(fills, c->kernel->signature->params[i].name);
    bool is_int = tg_dtype_is_int(t->dtype),
         is_unsigned = tg_dtype_kind_of(t->dtype) == TG_KIND_UINT;
    uint64_t seed = c->seed * 1000003 + i;
    double low = is_int ? is_unsigned ? 0 : -8 : -1, high = is_int ? 15 : 1;
    if (how && strncmp(how, "sorted:", 7) == 0) {
        const char *end = how + 7;
        tg_random_fill_sorted(t, seed, 0, (int64_t)bound_value(c, &end));
        return;
    }
    if (how && strcmp(how, "perm") == 0) {
        tg_random_fill_unique(t, seed, 0);
        return;
    }
    if (how) {
        low = bound_value(c, &how);
        how += *how == ':';
        high = bound_value(c, &how);
    }
    low = is_unsigned && low < 0 ? 0 : low;
    tg_random_fill(t, seed, low, high < low ? low : high);
}

static void decode(kcase *c, uint32_t i) {
    const tg_tensor *t = c->tensors[i];
    int64_t n = tg_tensor_count(t), width = kcase_width(c, i);
    for (int64_t at = 0; at < n; at++) {
        tg_scalar v = tg_scalar_load(t->dtype, t->arg.data, tg_tensor_offset(t, at));
        bool is_float = tg_dtype_is_float(t->dtype) || width == 2;
        c->elements[i][at * width] = is_float ? v.f : (double)v.i;
        if (width == 2) {
            c->elements[i][at * 2 + 1] = v.g;
        }
    }
}

static void encode(const double *from, tg_tensor *t) {
    int64_t n = tg_tensor_count(t);
    bool is_complex = tg_dtype_kind_of(t->dtype) == TG_KIND_COMPLEX,
         is_float = tg_dtype_is_float(t->dtype);
    for (int64_t at = 0; at < n; at++) {
        tg_scalar v = {.dtype = is_complex ? TG_C64 : is_float ? TG_F64 : TG_I64};
        v.i = is_float || is_complex ? 0 : (int64_t)from[at];
        v.f = is_complex ? from[at * 2] : from[at];
        v.g = is_complex ? from[at * 2 + 1] : 0;
        tg_scalar_store(tg_scalar_convert(v, t->dtype), t->arg.data, tg_tensor_offset(t, at));
    }
}

void kcase_reset(kcase *c, double *const before[TG_MAX_PARAMS]) {
    for (uint32_t i = 0; i < c->kernel->signature->n_params; i++) {
        if (kcase_is_written(c, i)) {
            encode(before[i], c->tensors[i]);
            encode(before[i], c->expected[i]);
        }
    }
}

static void make_contents(kcase *c) {
    const tg_signature *sig = c->kernel->signature;
    words fills;
    split(&fills, c->row->fills ? c->row->fills : "");
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (c->tensors[i]) {
            fill(c, i, &fills);
            decode(c, i);
        }
    }
    if (c->row->prepare) {
        c->row->prepare(c);
        for (uint32_t i = 0; i < sig->n_params; i++) {
            if (c->tensors[i]) {
                encode(c->elements[i], c->tensors[i]);
                decode(c, i);
            }
        }
    }
}

bool kcase_make(kcase *c, const kernel_row *row, tg_kernel *kernel, const char *text,
                const char *type, uint64_t seed) {
    *c = (kcase){.row = row,
                 .kernel = kernel,
                 .text = text,
                 .type = type,
                 .seed = seed,
                 .at_start = seed % 2 != 0,
                 .stage = "arguments"};
    words w;
    split(&w, text);
    if (select_variant(c, &w)) {
        set_numbers(c, &w);
    }
    for (uint32_t i = 0; i < kernel->signature->n_params && !c->failed; i++) {
        if (tg_param_is_tensor(&kernel->signature->params[i])) {
            c->values[i] = tg_argument_none();
            if (c->selection.present[i]) {
                make_tensor(c, i);
            }
        }
    }
    if (!c->failed) {
        make_contents(c);
    }
    return !c->failed;
}

void kcase_free(kcase *c) {
    for (uint32_t i = 0; i < TG_MAX_PARAMS; i++) {
        tg_tensor_release(c->tensors[i]);
        tg_tensor_release(c->expected[i]);
        free(c->elements[i]);
    }
    for (uint32_t i = 0; i < KCASE_MEMORY; i++) {
        free(c->memory[i]);
    }
}
