#include "tests/support/x86_run.h"

#include "base/clock.h"
#include "base/packing.h"
#include "base/sharing.h"
#include "dsl/passes/passes.h"
#include "tests/support/guarded.h"

#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of this thread: other programs on the machine do not count. */
/* ---- compile and load ------------------------------------------------------------------------------ */

static const char *load(x86_kernel *k) {
    LLVMOrcLLJITRef jit = NULL;
    LLVMErrorRef e = LLVMOrcCreateLLJIT(&jit, NULL);
    if (e) {
        return LLVMGetErrorMessage(e);
    }
    k->jit = jit;
    LLVMOrcDefinitionGeneratorRef process = NULL;
    LLVMOrcJITDylibRef lib = LLVMOrcLLJITGetMainJITDylib(jit);
    if (!LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL)) {
        LLVMOrcJITDylibAddGenerator(lib, process);
    }
    LLVMMemoryBufferRef b = LLVMCreateMemoryBufferWithMemoryRangeCopy(k->object.bytes, k->object.size, "object");
    e = LLVMOrcLLJITAddObjectFile(jit, lib, b);
    LLVMOrcExecutorAddress at = 0;
    e = e ? e : LLVMOrcLLJITLookup(jit, &at, k->object.entry);
    k->entry = (tg_entry_fn)(uintptr_t)at;
    return e ? LLVMGetErrorMessage(e) : NULL;
}

/* The text form has no flag for it: attributes of block axes and reductions of one. */
static void note_blocks(tg_op *op, void *user) {
    tg_func *f = user;
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    bool fact = op->opcode >= TG_OP_AXIS_FIRST && op->opcode <= TG_OP_AXIS_COUNT;
    f->block_dependent |= fact && tg_op_axis(op, TG_ATTR_AXIS)->kind != TG_AXIS_LOCAL;
    for (uint32_t i = 0; over && i < over->n_axes; i++) {
        f->block_dependent |= over->axes[i]->kind == TG_AXIS_GRID;
    }
}

static const char *build(x86_kernel *k, const char *text, const x86_options *o) {
    tg_sources sources = {.arena = k->arena};
    tg_interner *names = tg_interner_create(k->arena);
    tg_diags diags = {.arena = k->arena, .sources = &sources};
    uint32_t file = tg_sources_add(&sources, "test.tir", text, strlen(text));
    k->f = tg_ir_read(k->arena, names, &diags, file);
    if (!k->f) {
        return diags.list.len ? diags.list.data[0]->message : "not readable";
    }
    const char *bad = tg_ir_verify(k->f, k->arena);
    if (bad) {
        return bad;
    }
    tg_ir_walk(k->f, note_blocks, k->f);
    tg_machine m;
    if (!tg_target_x86.machine(o->arch, &m)) {
        return "no such machine";
    }
    if (o->typical) {
        tg_target_x86.typical(&m);
    }
    k->lowered = tg_func_clone(k->f, k->arena, NULL);
    tg_codegen_options c = {.strides = o->strides, .baseline = o->baseline, .optimise_o2 = o->o2, .packed = o->packed};
    double start = tg_now_ms();
    const char *passes = o->passes ? o->passes : tg_target_x86.passes(&m, &c);
    bad = *passes ? tg_pass_run_list(k->lowered, passes, NULL) : NULL;
    if (bad) {
        return bad;
    }
    const char *message = NULL;
    tg_status s = tg_target_x86.compile(k->lowered, &m, &c, TG_EMIT_OBJECT | o->emit, k->arena, &k->object, &message);
    k->compile_ms = tg_now_ms() - start;
    if (s) {
        return message ? message : "compile failed";
    }
    return m.runs_here ? load(k) : NULL; /* text of a stage can be had for any machine */
}

x86_kernel *x86_open(const char *text, const x86_options *options) {
    x86_kernel *k = calloc(1, sizeof *k);
    k->arena = tg_arena_create(&tg_allocator_default, &k->unwind);
    k->reverse = options->reverse;
    k->n_threads = options->n_threads ? options->n_threads : 1;
    if (TG_PROTECT(&k->unwind)) {
        k->error = "out of memory";
        return k;
    }
    k->error = build(k, text, options);
    return k;
}

void x86_close(x86_kernel *k) {
    if (k->jit) {
        LLVMConsumeError(LLVMOrcDisposeLLJIT(k->jit));
    }
    tg_arena_destroy(k->arena);
    free(k);
}

/* ---- running ------------------------------------------------------------------------------------------- */

typedef struct test_owner {
    bool reverse;
    struct {
        void *p;
        size_t bytes;
    } list[256];
    int n;
} test_owner;

/* No less than is asked for, and no more than the alignment makes it: what is behind faults. */
static size_t scratch_room(int64_t bytes) {
    return ((size_t)bytes + 63) / 64 * 64;
}

static void *scratch_new(int64_t bytes) {
    size_t n = scratch_room(bytes);
    return memset(guarded_new(n), 0xa5, n);
}

static void *owner_alloc(test_owner *o, int64_t bytes) {
    if (o->n == sizeof o->list / sizeof *o->list) {
        return NULL;
    }
    o->list[o->n].bytes = scratch_room(bytes);
    return o->list[o->n++].p = scratch_new(bytes);
}

static void owner_free(test_owner *o) {
    while (o->n) {
        o->n--;
        guarded_free(o->list[o->n].p, o->list[o->n].bytes);
    }
}

static void *worker_alloc(tg_worker *w, int64_t bytes) {
    return owner_alloc(w->owner, bytes);
}

static void worker_reset(tg_worker *w) {
    owner_free(w->owner);
}

int x86_tiles_packed;
int64_t x86_tasks;

static void pack_tiles(void *to, const void *from, int64_t row_step, int64_t point_step, int64_t points, int64_t rows, int64_t until, int64_t height,
                       int64_t size) {
    x86_tiles_packed++;
    tg_pack_tiles(to, from, row_step, point_step, points, rows, until, height, size);
}

static int32_t parallel(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n, int64_t scratch) {
    const test_owner *shared = rt->owner;
    x86_tasks = n;
    test_owner own = {0};
    tg_worker w = {scratch_new(scratch), scratch, 0, 0, worker_alloc, worker_reset, &own, tg_pack_panels, pack_tiles};
    int32_t s = 0;
    if (shared->reverse) {
        for (int64_t i = n; i-- > 0 && !s;) {
            s = fn(frame, i, i + 1, &w);
        }
    } else if (n > 0) {
        s = fn(frame, 0, n, &w);
    }
    owner_free(&own);
    guarded_free(w.scratch, scratch_room(scratch));
    return s;
}

static int32_t parallel_awake(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n, int64_t scratch, int64_t frame_bytes) {
    (void)frame_bytes;
    return parallel(rt, fn, frame, n, scratch);
}

static void *workspace(const tg_rt *rt, int64_t bytes) {
    return owner_alloc(rt->owner, bytes);
}

static void on_fail(const tg_rt *rt, int32_t status, const char *message) {
    (void)rt;
    fprintf(stderr, "kernel failed: %d %s\n", status, message);
}

static void on_print(const tg_rt *rt, const char *format, const void *values, const uint8_t *kinds, int32_t n) {
    (void)rt, (void)values, (void)kinds;
    fprintf(stderr, "print %s (%d)\n", format, n);
}

static void on_fail_assert(const tg_rt *rt, const char *format, const void *values, const uint8_t *kinds, int32_t n) {
    (void)rt, (void)values, (void)kinds;
    fprintf(stderr, "assert %s (%d)\n", format, n);
}

int32_t x86_launch(const x86_kernel *k, const void *const *args) {
    test_owner o = {.reverse = k->reverse};
    x86_tiles_packed = 0;
    tg_rt rt = {TG_ABI_VERSION, k->n_threads, parallel, workspace, on_fail, on_print, &o, on_fail_assert, tg_share_product, parallel_awake};
    int32_t s = k->entry(&rt, args);
    owner_free(&o);
    return s;
}

/* ---- arguments --------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Letters times numbers plus numbers: "M", "2*M", "M+2", "16". */
static int64_t eval_shape(const char *e, const int64_t dims[26]) {
    int64_t total = 0, product = 1;
    for (;; e++) {
        int64_t v = 0;
        if (*e >= 'A' && *e <= 'Z') {
            v = dims[*e++ - 'A'];
        } else {
            v = strtol(e, (char **)&e, 10);
        }
        product *= v;
        if (*e == '*') {
            continue;
        }
        total += product;
        product = 1;
        if (*e != '+') {
            return total;
        }
    }
}

static bool find_shape(const char *text, const char *name, const int64_t dims[26], uint32_t rank, int64_t *shape) {
    char key[128];
    snprintf(key, sizeof key, "// shape %s ", name);
    const char *at = strstr(text, key);
    if (!at) {
        return rank == 0;
    }
    at += strlen(key);
    for (uint32_t d = 0; d < rank; d++) {
        shape[d] = eval_shape(at, dims);
        at += strcspn(at, " \n");
        at += strspn(at, " ");
    }
    return true;
}

static tg_scalar random_scalar(tg_dtype t, uint64_t *seed, bool special) {
    uint64_t r = next_random(seed);
    tg_scalar v = {.dtype = TG_F64};
    static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e-42, 3e38, -1.0};
    v.f = special && r % 16 == 0 ? odd[r / 16 % 8] : ((double)(r >> 11) * 0x1p-52 - 1.0) * 4.0;
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        v.dtype = t;
        v.g = (double)(next_random(seed) >> 11) * 0x1p-52 - 1.0;
        if (t == TG_C32) {
            v.f = (float)v.f;
            v.g = (float)v.g;
        }
        return v;
    }
    if (tg_dtype_is_float(t)) {
        return tg_scalar_convert(v, t);
    }
    v.dtype = TG_I64;
    v.f = 0;
    v.i = r % 8 == 0 && special ? (int64_t)next_random(seed) : (int64_t)(r >> 40) % 23 - (tg_dtype_kind_of(t) == TG_KIND_SINT ? 11 : 0);
    if (t == TG_BOOL) {
        return (tg_scalar){TG_BOOL, r >> 20 & 1, 0, 0};
    }
    return tg_scalar_convert(v, t);
}

void x86_arg_alloc(x86_arg *a, size_t bytes, bool at_start) {
    a->bytes = bytes;
    a->at_start = at_start;
    a->storage = guarded_new_at(bytes, at_start);
}

static void fill_tensor(x86_arg *a, x86_layout layout, uint64_t *seed, bool special) {
    int64_t n = 1, pad = layout == X86_PADDED ? 5 : 0, spread = layout == X86_SPREAD ? 2 : 1;
    if (tg_dtype_bits(a->dtype) == 4) {
        pad = pad ? 4 : 0;
        spread = 1;
    }
    for (uint32_t d = a->rank; d-- > 0;) {
        a->tensor.stride[d] = d + 1 == a->rank ? spread : n;
        n = (d + 1 == a->rank ? spread : n) * (a->tensor.shape[d] > 0 ? a->tensor.shape[d] : 1) + (d > 0 ? pad : 0);
    }
    size_t size = tg_dtype_size(a->dtype) ? tg_dtype_size(a->dtype) : 1;
    x86_arg_alloc(a, (size_t)n * size, *seed % 2 != 0);
    for (int64_t i = 0; i < n; i++) {
        tg_scalar_store(random_scalar(a->dtype, seed, special), a->storage, i);
    }
    a->tensor.data = a->storage;
}

bool x86_args_make(x86_args *a, const tg_func *f, const char *text, const int64_t dims[26], x86_layout layout, uint64_t seed) {
    bool special = strstr(text, "// special") != NULL, equal = next_random(&seed) % 2;
    memset(a, 0, sizeof *a);
    a->n = f->n_params;
    for (uint32_t i = 0; i < f->n_params; i++) {
        const tg_fparam *p = &f->params[i];
        x86_arg *x = &a->list[i];
        x->dtype = p->dtype;
        x->rank = p->rank;
        if (p->kind == TG_FP_SCALAR) {
            int64_t v[1];
            x->scalar = random_scalar(p->dtype, &seed, false);
            if (strstr(text, p->name) && find_shape(text, p->name, dims, 1, v) && strstr(text, "// shape") ) {
                x->scalar = tg_scalar_convert((tg_scalar){TG_I64, v[0], 0, 0}, p->dtype);
            }
            if (tg_dtype_is_float(p->dtype)) {
                x->word.f = x->scalar.f;
            } else {
                x->word.i = x->scalar.i;
            }
            continue;
        }
        if (p->kind == TG_FP_PTR) {
            return false;
        }
        if (!find_shape(text, p->name, dims, p->rank, x->tensor.shape)) {
            for (uint32_t d = 0; d < p->rank; d++) { /* any shape: accesses are checked */
                x->tensor.shape[d] = dims[strstr(text, "in_bounds") ? d : equal ? 0 : next_random(&seed) % 3] % (p->rank > 2 ? 20 : 140);
            }
        }
        fill_tensor(x, layout, &seed, special);
    }
    return true;
}

void x86_arg_point(x86_arg *a) {
    a->is_pointer = true;
    a->word.i = (int64_t)(uintptr_t)a->tensor.data;
    a->scalar = (tg_scalar){.dtype = TG_U64, .i = a->word.i};
}

void x86_args_copy(x86_args *to, const x86_args *from) {
    *to = *from;
    for (uint32_t i = 0; i < from->n; i++) {
        const x86_arg *a = &from->list[i];
        if (a->storage) {
            x86_arg_alloc(&to->list[i], a->bytes, a->at_start);
            memcpy(to->list[i].storage, a->storage, a->bytes);
            to->list[i].tensor.data = to->list[i].storage + ((const char *)a->tensor.data - a->storage);
            if (a->is_pointer) {
                x86_arg_point(&to->list[i]);
            }
        }
    }
}

void x86_args_free(x86_args *a) {
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->list[i].storage) {
            guarded_free(a->list[i].storage, a->list[i].bytes);
        }
    }
}

void x86_args_pointers(x86_args *a, const void **out) {
    for (uint32_t i = 0; i < a->n; i++) {
        out[i] = a->list[i].storage && !a->list[i].is_pointer ? (const void *)&a->list[i].tensor : (const void *)&a->list[i].word;
    }
}

/* ---- differential --------------------------------------------------------------------------------------------- */

static char report[1024];

static int64_t n_elements(const x86_arg *a) {
    int64_t n = 1;
    for (uint32_t d = 0; d < a->rank; d++) {
        n *= a->tensor.shape[d];
    }
    return n;
}

typedef struct expectation {
    x86_args args;
    double *value[32], *bound[32];
} expectation;

static tg_status interpret(const tg_func *f, const x86_args *from, expectation *e, char *message) {
    tg_interp_arg args[32] = {0};
    x86_args_copy(&e->args, from);
    for (uint32_t i = 0; i < from->n; i++) {
        x86_arg *a = &e->args.list[i];
        e->value[i] = e->bound[i] = NULL;
        args[i].scalar = a->scalar;
        args[i].tensor.arg = a->tensor;
        args[i].tensor.dtype = a->dtype;
        if (a->storage && f->params[i].kind != TG_FP_IN) {
            size_t n = (size_t)n_elements(a) + 1;
            bool pair = tg_dtype_kind_of(a->dtype) == TG_KIND_COMPLEX;
            e->value[i] = calloc(n * (pair ? 2 : 1), sizeof(double));
            e->bound[i] = calloc(n, sizeof(double));
            args[i].tensor.value = e->value[i];
            args[i].tensor.bound = e->bound[i];
        }
    }
    tg_interp_options o = {.mode = TG_INTERP_IDEAL};
    return tg_interp_run(f, args, &o, &tg_allocator_default, message, 256);
}

static void expectation_free(expectation *e) {
    for (uint32_t i = 0; i < e->args.n; i++) {
        free(e->value[i]);
        free(e->bound[i]);
    }
    x86_args_free(&e->args);
}

static const char *compare(const x86_kernel *k, const x86_args *got, const expectation *e, const char *what) {
    for (uint32_t i = 0; i < got->n; i++) {
        const x86_arg *a = &got->list[i];
        if (!e->value[i]) {
            continue;
        }
        bool is_float = tg_dtype_is_float(a->dtype) || tg_dtype_kind_of(a->dtype) == TG_KIND_COMPLEX;
        tg_compare_result r = tg_compare_tensor(a->dtype, a->rank, &a->tensor, &e->args.list[i].tensor,
                                                is_float ? e->value[i] : NULL, e->bound[i]);
        if (r.n_failed) {
            int64_t at[8] = {0};
            tg_compare_index(a->rank, a->tensor.shape, r.first_failed, at);
            snprintf(report, sizeof report, "%s: %s[%lld,%lld,%lld] of (%lld,%lld,%lld) is %g, expected %g within %g (%lld of %lld differ)", what,
                     k->f->params[i].name, (long long)at[0], (long long)at[1], (long long)at[2], (long long)a->tensor.shape[0],
                     (long long)a->tensor.shape[1], (long long)a->tensor.shape[2], r.actual, r.value, r.bound,
                     (long long)r.n_failed, (long long)r.n);
            return report;
        }
    }
    return NULL;
}

static const char *run_variant(const x86_kernel *k, const x86_args *from, const expectation *e, const char *what) {
    x86_args got;
    const void *pointers[32];
    x86_args_copy(&got, from);
    x86_args_pointers(&got, pointers);
    int32_t s = x86_launch(k, pointers);
    const char *bad = s ? "launch failed" : compare(k, &got, e, what);
    x86_args_free(&got);
    return bad;
}

typedef struct variant {
    const char *name;
    x86_options options;
} variant;

static const variant variants[] = {
    {"baseline", {.baseline = true}},
    {"vector", {.n_threads = 1}},
    {"vector, 4 threads, reversed", {.n_threads = 4, .reverse = true}},
    {"any stride", {.strides = TG_STRIDES_GENERAL}},
    {"avx2", {.arch = "avx2"}},
    {"v2", {.arch = "v2"}},
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

static const char *run_round(x86_kernel **kernels, const char *text, uint64_t *seed) {
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 16, 17, 31, 33, 64, 67, 100, 130, 257};
    int64_t dims[26];
    for (int i = 0; i < 26; i++) {
        dims[i] = sizes[next_random(seed) % (sizeof sizes / sizeof *sizes)];
    }
    x86_layout layout = (x86_layout)(next_random(seed) % 3);
    x86_args args;
    expectation e;
    char message[256] = "";
    if (!x86_args_make(&args, kernels[0]->f, text, dims, layout, next_random(seed))) {
        return "no shapes for a parameter";
    }
    tg_status s = interpret(kernels[0]->f, &args, &e, message);
    const char *bad = NULL;
    if (s) {
        snprintf(report, sizeof report, "interpreter: %s", message);
        bad = report;
    }
    for (int i = 0; i < N_VARIANTS && !bad; i++) {
        bad = kernels[i] ? run_variant(kernels[i], &args, &e, variants[i].name) : NULL;
    }
    expectation_free(&e);
    x86_args_free(&args);
    return bad;
}

const char *x86_differential(const char *text, int n_rounds, uint64_t seed) {
    x86_kernel *kernels[N_VARIANTS];
    const char *bad = NULL;
    for (int i = 0; i < N_VARIANTS; i++) {
        kernels[i] = x86_open(text, &variants[i].options);
        if (kernels[i]->error && !bad) {
            snprintf(report, sizeof report, "%s: %s", variants[i].name, kernels[i]->error);
            bad = report;
        }
    }
    for (int i = 0; i < n_rounds && !bad; i++) {
        bad = run_round(kernels, text, &seed);
    }
    for (int i = 0; i < N_VARIANTS; i++) {
        x86_close(kernels[i]);
    }
    return bad;
}

char *x86_read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = calloc(1, n + 1);
    n = fread(text, 1, n, f);
    fclose(f);
    return text;
}
