/* Making the arguments of a case, running it in all ways, comparing. */
#include "tests/diff/case.h"

#include "dsl/passes/passes.h"
#include "targets/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t diff_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- arguments ------------------------------------------------------------------------------------- */

static void print_layout(tg_strbuf *out, uint32_t rank, const diff_tensor *t) {
    tg_strbuf_printf(out, " %llu %d %lld %lld shape", (unsigned long long)t->seed, (int)t->fill, (long long)t->offset,
                     (long long)t->length);
    for (uint32_t d = 0; d < rank; d++) {
        tg_strbuf_printf(out, " %lld", (long long)t->shape[d]);
    }
    tg_strbuf_puts(out, " stride");
    for (uint32_t d = 0; d < rank; d++) {
        tg_strbuf_printf(out, " %lld", (long long)t->stride[d]);
    }
    tg_strbuf_puts(out, "\n");
}

void diff_print_tensor(tg_strbuf *out, const char *name, uint32_t rank, const diff_tensor *t) {
    tg_strbuf_printf(out, "// arg %s tensor", name);
    print_layout(out, rank, t);
}

void diff_print_pointer(tg_strbuf *out, const char *name, tg_dtype dtype, uint32_t rank, const diff_tensor *t) {
    tg_strbuf_printf(out, "// arg %s pointer %s %u", name, tg_dtype_name(dtype), rank);
    print_layout(out, rank, t);
}

static double random_float(diff_fill fill, uint64_t *seed) {
    static const double odd[] = {0,        0,         1,   -1,    2,    -0.0,
                                 INFINITY, -INFINITY, NAN, 1e-42, 3e38, 0.5};
    uint64_t r = diff_random(seed);
    if (fill == DIFF_FILL_SMALL) {
        return (double)((int64_t)(r >> 40) % 7 - 3);
    }
    if (fill == DIFF_FILL_SPECIAL && r % 4 == 0) {
        return odd[r / 4 % 12];
    }
    if (fill == DIFF_FILL_SPECIAL && r % 4 == 1) {
        return (double)((int64_t)(r >> 40) % 7 - 3);
    }
    return ((double)(r >> 11) * 0x1p-52 - 1.0) * 4.0;
}

static tg_scalar random_element(tg_dtype t, diff_fill fill, uint64_t *seed) {
    tg_scalar v = {.dtype = t};
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        v.f = tg_round_to(tg_dtype_real(t), random_float(fill, seed));
        v.g = tg_round_to(tg_dtype_real(t), random_float(fill, seed));
        return v;
    }
    if (tg_dtype_is_float(t)) {
        v.f = random_float(fill, seed);
        v.dtype = TG_F64;
        return tg_scalar_convert(v, t);
    }
    uint64_t r = diff_random(seed);
    int64_t low = tg_dtype_kind_of(t) == TG_KIND_SINT ? -3 : 0;
    v.dtype = TG_I64;
    v.i = fill == DIFF_FILL_INDEX ? (int64_t)(r >> 40) % 24 - 2 : (int64_t)(r >> 40) % 7 + low;
    if (fill == DIFF_FILL_SPECIAL && r % 4 == 0) {
        v.i = (int64_t)diff_random(seed);
    }
    return t == TG_BOOL ? (tg_scalar){TG_BOOL, v.i & 1, 0, 0} : tg_scalar_convert(v, t);
}

/* Elements of the storage from the lowest that the tensor has to the highest; of an empty one its first. */
static void find_span(const diff_tensor *t, uint32_t rank, int64_t *first, int64_t *end) {
    bool empty = false;
    *first = t->offset;
    *end = t->offset + 1;
    for (uint32_t d = 0; d < rank; d++) {
        int64_t last = (t->shape[d] - 1) * t->stride[d];
        *first += last < 0 ? last : 0;
        *end += last > 0 ? last : 0;
        empty |= t->shape[d] <= 0;
    }
    if (empty) {
        *first = t->offset;
        *end = t->offset + 1;
    }
}

/* The numbers are those of a storage of the length given; only the span of the tensor is there, so that code which leaves it faults. */
static void fill_storage(x86_arg *a, const diff_tensor *t) {
    uint64_t seed = t->seed;
    int64_t bits = tg_dtype_bits(a->dtype), first, end;
    find_span(t, a->rank, &first, &end);
    x86_arg_alloc(a, (size_t)((end - first) * bits + 7) / 8, t->seed % 2 != 0);
    for (int64_t i = 0; i < t->length; i++) {
        tg_scalar v = random_element(a->dtype, t->fill, &seed);
        if (i >= first && i < end) {
            tg_scalar_store(v, a->storage, i - first);
        }
    }
    a->tensor.data = a->storage + (t->offset - first) * bits / 8;
}

static void parse_tensor(x86_arg *a, const char *s) {
    diff_tensor t = {0};
    char *end;
    t.seed = strtoull(s, &end, 10);
    t.fill = (diff_fill)strtol(end, &end, 10);
    t.offset = strtoll(end, &end, 10);
    t.length = strtoll(end, &end, 10);
    end += strlen(" shape");
    for (uint32_t d = 0; d < a->rank; d++) {
        t.shape[d] = strtoll(end, &end, 10);
    }
    end += strlen(" stride");
    for (uint32_t d = 0; d < a->rank; d++) {
        t.stride[d] = strtoll(end, &end, 10);
    }
    memcpy(a->tensor.shape, t.shape, sizeof t.shape);
    memcpy(a->tensor.stride, t.stride, sizeof t.stride);
    fill_storage(a, &t);
}

static void parse_pointer(x86_arg *a, const char *s) {
    char name[16];
    int n = 0;
    if (sscanf(s, "%15s %u%n", name, &a->rank, &n) == 2 && a->rank <= 8) {
        a->dtype = tg_dtype_from_name(name);
        parse_tensor(a, s + n);
        x86_arg_point(a);
    }
}

static void parse_scalar(x86_arg *a, const char *s) {
    tg_scalar v = {.dtype = TG_F64, .f = strtod(s, NULL)};
    if (!tg_dtype_is_float(a->dtype)) {
        v = (tg_scalar){.dtype = TG_I64, .i = strtoll(s, NULL, 10)};
    }
    a->scalar = a->dtype == TG_BOOL ? (tg_scalar){TG_BOOL, v.i & 1, 0, 0}
                                    : tg_scalar_convert(v, a->dtype);
    if (tg_dtype_is_float(a->dtype)) {
        a->word.f = a->scalar.f;
    } else {
        a->word.i = a->scalar.i;
    }
}

bool diff_args_make(x86_args *a, const tg_func *f, const char *text) {
    memset(a, 0, sizeof *a);
    for (a->n = 0; a->n < f->n_params && a->n < 32; a->n++) {
        const tg_fparam *p = &f->params[a->n];
        x86_arg *x = &a->list[a->n];
        char key[96];
        x->dtype = p->dtype;
        x->rank = p->rank;
        bool scalar = p->kind == TG_FP_SCALAR, pointer = p->kind == TG_FP_PTR;
        snprintf(key, sizeof key, "// arg %s %s ", p->name, scalar ? "scalar" : pointer ? "pointer" : "tensor");
        const char *at = strstr(text, key);
        if (!at) {
            return false;
        }
        if (pointer) {
            parse_pointer(x, at + strlen(key));
        } else if (scalar) {
            parse_scalar(x, at + strlen(key));
        } else {
            parse_tensor(x, at + strlen(key));
        }
    }
    return true;
}

tg_func *diff_read(const char *text, tg_arena *arena, const char **why) {
    tg_sources *sources = TG_NEW(arena, tg_sources);
    sources->arena = arena;
    tg_diags *diags = TG_NEW(arena, tg_diags);
    diags->arena = arena;
    diags->sources = sources;
    uint32_t file = tg_sources_add(sources, "case.tir", text, strlen(text));
    tg_func *f = tg_ir_read(arena, tg_interner_create(arena), diags, file);
    if (!f) {
        *why = diags->list.len ? diags->list.data[0]->message : "not readable";
        return NULL;
    }
    *why = tg_ir_verify(f, arena);
    return *why ? NULL : f;
}

/* ---- expected values ----------------------------------------------------------------------------------- */

typedef struct run_state {
    const char *text;
    char *own_text; /* null, or text to be freed */
    tg_func *f;
    tg_arena *arena;
    x86_args args, ideal;
    double *value[32], *bound[32];
    bool reported;
    diff_outcome *out;
} run_state;

static void fail(run_state *s, const char *stage, const char *message) {
    if (!s->out->failed) {
        s->out->failed = true;
        snprintf(s->out->stage, sizeof s->out->stage, "%s", stage);
        snprintf(s->out->text, sizeof s->out->text, "%s", message);
    }
}

static int64_t n_elements(const x86_arg *a) {
    int64_t n = 1;
    for (uint32_t d = 0; d < a->rank; d++) {
        n *= a->tensor.shape[d];
    }
    return n;
}

static bool is_approximate(tg_dtype t) {
    return tg_dtype_is_float(t) || tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}

/* Runs the interpreter on a copy of the arguments. */
static tg_status interpret(run_state *s, const tg_func *f, const tg_interp_options *o,
                           x86_args *copy, char *message) {
    tg_interp_arg args[32] = {0};
    x86_args_copy(copy, &s->args);
    for (uint32_t i = 0; i < s->args.n; i++) {
        x86_arg *a = &copy->list[i];
        args[i].scalar = a->scalar;
        args[i].tensor.arg = a->tensor;
        args[i].tensor.dtype = a->dtype;
        if (o->mode == TG_INTERP_IDEAL && a->storage && !a->is_pointer && f->params[i].kind != TG_FP_IN) {
            size_t n = (size_t)n_elements(a) + 1;
            s->value[i] = calloc(n * 2, sizeof(double));
            s->bound[i] = calloc(n, sizeof(double));
            args[i].tensor.value = s->value[i];
            args[i].tensor.bound = s->bound[i];
        }
    }
    return tg_interp_run(f, args, o, &tg_allocator_default, message, 256);
}

/* Fails if one element of `got` is outside of its bound; `value` and `bound` by parameter. */
static void compare_with(run_state *s, const x86_args *got, const x86_args *expected,
                         double *const *value, double *const *bound, const char *stage) {
    for (uint32_t i = 0; i < got->n && !s->out->failed; i++) {
        const x86_arg *a = &got->list[i];
        if (!bound[i]) {
            continue;
        }
        tg_compare_result r =
            tg_compare_tensor(a->dtype, a->rank, &a->tensor, &expected->list[i].tensor,
                              is_approximate(a->dtype) ? value[i] : NULL, bound[i]);
        s->out->elements += r.n;
        s->out->unverifiable += r.n_unverifiable;
        if (r.n_failed) {
            int64_t at[8] = {0};
            char message[400], where[128] = "";
            tg_compare_index(a->rank, a->tensor.shape, r.first_failed, at);
            for (uint32_t d = 0; d < a->rank; d++) {
                size_t n = strlen(where);
                snprintf(where + n, sizeof where - n, "%s%lld", d ? "," : "", (long long)at[d]);
            }
            snprintf(message, sizeof message,
                     "%s[%s] is %.17g, expected %.17g within %g; %lld of %lld differ",
                     s->f->params[i].name, where, r.actual, r.value, r.bound,
                     (long long)r.n_failed, (long long)r.n);
            fail(s, stage, message);
        }
    }
}

static void compare(run_state *s, const x86_args *got, const char *stage) {
    compare_with(s, got, &s->ideal, s->value, s->bound, stage);
}

/* ---- ways to run ------------------------------------------------------------------------------------------ */

static void run_exact(run_state *s, const tg_func *f, tg_interp_order order,
                      const char *stage) {
    tg_interp_options o = {.mode = TG_INTERP_EXACT, .order = order, .max_ops = 1 << 22};
    x86_args got;
    char message[256] = "";
    tg_status status = interpret(s, f, &o, &got, message);
    if (status) {
        fail(s, stage, message);
    } else {
        compare(s, &got, stage);
    }
    x86_args_free(&got);
}

/* Each pass in turn; the function must stay well formed and keep its meaning. */
static void run_passes(run_state *s) {
    tg_machine m;
    tg_codegen_options c = {0};
    if (!tg_target_x86.machine(diff_arch, &m)) {
        return;
    }
    const char *list = tg_target_x86.passes(&m, &c);
    tg_func *f = tg_func_clone(s->f, s->arena, NULL);
    for (int n = 1; *list && !s->out->failed; n++) {
        char name[64], stage[96];
        size_t len = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, list);
        snprintf(stage, sizeof stage, "pass %d %s", n, name);
        list += len + (list[len] == ',');
        tg_pass_options o = {.verify_each = true};
        const char *bad = tg_pass_run_list(f, name, &o);
        if (bad) {
            fail(s, stage, bad);
        } else {
            run_exact(s, f, TG_INTERP_ROW, stage);
        }
    }
}

static const char *body_of(const char *text) {
    while (strncmp(text, "//", 2) == 0) {
        text = strchr(text, '\n') + 1;
    }
    return text;
}

char *diff_with_function(const char *text, const tg_func *f, tg_arena *arena) {
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    tg_strbuf_put(&out, text, (size_t)(body_of(text) - text));
    tg_ir_print(f, &out);
    return strdup(out.data);
}

const char *diff_arch;

/* The kernel of the previous case stays for cases that differ in their arguments only. */
static x86_kernel *open_kernel(const char *text, const x86_options *o, size_t way) {
    static struct {
        x86_kernel *kernel;
        char *body;
    } last[4];
    if (last[way].kernel && strcmp(last[way].body, body_of(text)) == 0) {
        return last[way].kernel;
    }
    if (last[way].kernel) {
        x86_close(last[way].kernel);
        free(last[way].body);
    }
    size_t n = strlen(body_of(text)) + 1;
    last[way].body = malloc(n);
    memcpy(last[way].body, body_of(text), n);
    last[way].kernel = x86_open(text, o);
    return last[way].kernel;
}

static void run_x86(run_state *s, x86_options o, size_t way, const char *stage) {
    o.arch = diff_arch;
    x86_kernel *k = open_kernel(s->text, &o, way);
    if (k->error) {
        if (k->error[0] == '`') { /* the target's own refusal names the operation */
            s->out->unsupported = true;
            snprintf(s->out->text, sizeof s->out->text, "%s", k->error);
        } else {
            fail(s, stage, k->error);
        }
    } else {
        x86_args got;
        const void *pointers[32];
        x86_args_copy(&got, &s->args);
        x86_args_pointers(&got, pointers);
        if (x86_launch(k, pointers)) {
            fail(s, stage, "launch failed");
        } else {
            compare(s, &got, stage);
        }
        x86_args_free(&got);
    }
}

static const tg_interp_options ideal = {.mode = TG_INTERP_IDEAL, .max_ops = 1 << 22};

static bool has_split(const tg_func *f) {
    bool found = false;
    for (uint32_t i = 0; i < f->schedule.len; i++) {
        const tg_sched_item *item = &f->schedule.data[i];
        found = found || (strncmp(item->key, "split", 5) == 0 && item->integer > 1);
    }
    return found;
}

/* Goes on with the program after its splits and with the bounds of that, which must overlap those of the program as written. */
static void run_split(run_state *s) {
    double *value[32], *bound[32];
    char message[256] = "";
    memcpy(value, s->value, sizeof value);
    memcpy(bound, s->bound, sizeof bound);
    memset(s->value, 0, sizeof s->value);
    memset(s->bound, 0, sizeof s->bound);
    s->f = tg_func_clone(s->f, s->arena, NULL);
    const char *bad = tg_pass_run_list(s->f, "split", &(tg_pass_options){.verify_each = true});
    s->text = s->own_text = diff_with_function(s->text, s->f, s->arena);
    x86_args before = s->ideal;
    memset(&s->ideal, 0, sizeof s->ideal);
    if (bad || interpret(s, s->f, &ideal, &s->ideal, message)) {
        fail(s, "split", bad ? bad : message);
    }
    for (uint32_t i = 0; i < s->args.n; i++) {
        for (int64_t at = 0, n = s->bound[i] && bound[i] ? n_elements(&s->args.list[i]) : 0;
             at < n; at++) {
            bound[i][at] += s->bound[i][at];
        }
    }
    compare_with(s, &s->ideal, &before, value, bound, "split");
    x86_args_free(&before);
    for (uint32_t i = 0; i < 32; i++) {
        free(value[i]);
        free(bound[i]);
    }
}

static void run_all(run_state *s, unsigned what) {
    char message[256] = "";
    tg_status status = interpret(s, s->f, &ideal, &s->ideal, message);
    if (status) {
        fail(s, "interpreter", message);
        return;
    }
    if (has_split(s->f)) {
        run_split(s);
    }
    if (s->out->failed) {
        return;
    }
    if (what & DIFF_PASSES) {
        run_exact(s, s->f, TG_INTERP_ROW, "exact");
        run_exact(s, s->f, TG_INTERP_REVERSE, "reversed");
        run_passes(s);
    }
    if (what & DIFF_X86) {
        static const struct {
            const char *stage;
            x86_options o;
        } ways[] = {
            {"x86 baseline", {.baseline = true}},
            {"x86 optimised", {.baseline = false}},
            {"x86 optimised, reversed, 3 threads", {.reverse = true, .n_threads = 3}},
        };
        for (size_t i = 0; i < sizeof ways / sizeof *ways && !s->out->failed; i++) {
            if (i < 2 || strlen(s->text) % 4 == 0) {
                run_x86(s, ways[i].o, i, ways[i].stage);
            }
        }
    }
}

void diff_case_run(const char *text, unsigned what, diff_outcome *out) {
    memset(out, 0, sizeof *out);
    tg_unwind unwind;
    run_state *s = calloc(1, sizeof *s);
    s->text = text;
    s->out = out;
    s->arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (TG_PROTECT(&unwind)) {
        fail(s, "memory", "out of memory");
    } else {
        const char *why = NULL;
        s->f = diff_read(text, s->arena, &why);
        if (!s->f) {
            fail(s, "verify", why);
        } else if (!diff_args_make(&s->args, s->f, text)) {
            fail(s, "arguments", "a line about an argument is missing");
        } else {
            run_all(s, what);
        }
    }
    for (uint32_t i = 0; i < 32; i++) {
        free(s->value[i]);
        free(s->bound[i]);
    }
    free(s->own_text);
    x86_args_free(&s->ideal);
    x86_args_free(&s->args);
    tg_arena_destroy(s->arena);
    free(s);
}
