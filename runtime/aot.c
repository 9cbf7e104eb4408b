/* Kernels compiled ahead of time: include/tegula/aot.h. The signature in the generated header
 * is read once per kernel and handle; afterwards a launch is what it is in the JIT, without the
 * search for a variant. */
#include "tegula/aot.h"

#include "base/cpu.h"
#include "base/io.h"
#include "runtime/cells.h"
#include "runtime/host.h"

#include <string.h>

enum { MESSAGE_SIZE = 512, FLAG_PRINTS = 1 };

typedef struct known {
    const tg_aot_kernel *kernel;
    const tg_signature *signature;
    bool runs; /* this processor has its instructions */
    struct known *next;
} known;

struct tg_aot {
    tg_host *host;
    tg_arena *arena;      /* of signatures */
    pthread_mutex_t lock; /* arena, list, error */
    known *kernels;
    char error[MESSAGE_SIZE];
};

tg_status tg_aot_create(int32_t n_threads, tg_aot **out) {
    if (!out) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    *out = NULL;
    tg_aot *rt = tg_alloc(&tg_allocator_default, sizeof *rt, _Alignof(tg_aot));
    if (!rt) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    pthread_mutex_init(&rt->lock, NULL);
    rt->arena = tg_arena_create(&tg_allocator_default, NULL);
    tg_status s = rt->arena
                      ? tg_host_create(&(tg_host_options){.n_threads = n_threads}, &rt->host)
                      : TG_ERROR_OUT_OF_MEMORY;
    if (s) {
        tg_aot_destroy(rt);
        return s;
    }
    *out = rt;
    return TG_OK;
}

void tg_aot_destroy(tg_aot *rt) {
    if (rt) {
        tg_host_destroy(rt->host);
        tg_arena_destroy(rt->arena);
        pthread_mutex_destroy(&rt->lock);
        tg_free(&tg_allocator_default, rt, sizeof *rt);
    }
}

const char *tg_aot_last_error(const tg_aot *rt) {
    return rt ? rt->error : "";
}

static tg_status fail(tg_aot *rt, tg_status status, const char *name, const char *message) {
    pthread_mutex_lock(&rt->lock);
    (void)tg_format(rt->error, sizeof rt->error, "%s: %s", name, message);
    pthread_mutex_unlock(&rt->lock);
    return status;
}

/* Under the lock. Null is malformed unless `status` says out of memory. */
static const known *read_signature(tg_aot *rt, const tg_aot_kernel *kernel,
                                          tg_status *status) {
    tg_unwind u;
    if (TG_PROTECT(&u)) {
        tg_arena_set_unwind(rt->arena, NULL);
        *status = TG_ERROR_OUT_OF_MEMORY;
        return NULL;
    }
    tg_arena_set_unwind(rt->arena, &u);
    known *k = TG_NEW(rt->arena, known);
    k->kernel = kernel;
    k->signature = tg_signature_read(rt->arena, kernel->signature, kernel->signature_size);
    if (k->signature && k->signature->n_params <= TG_MAX_PARAMS) {
        k->runs = !kernel->arch || tg_cpu_runs(kernel->arch);
        k->next = rt->kernels;
        rt->kernels = k;
    } else {
        k = NULL;
    }
    tg_arena_set_unwind(rt->arena, NULL);
    return k;
}

static const known *find_kernel(tg_aot *rt, const tg_aot_kernel *kernel, tg_status *status) {
    pthread_mutex_lock(&rt->lock);
    const known *k = rt->kernels;
    while (k && k->kernel != kernel) {
        k = k->next;
    }
    k = k ? k : read_signature(rt, kernel, status);
    pthread_mutex_unlock(&rt->lock);
    return k;
}

static void make_args(const tg_signature *sig, const tg_aot_arg *args, tg_launch_arg *out,
                      tg_tensor_arg *tensors) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_aot_tensor *t = args[i].tensor;
        out[i] = (tg_launch_arg){0};
        if (t) {
            tensors[i].data = t->data;
            memcpy(tensors[i].shape, t->shape, sizeof t->shape);
            memcpy(tensors[i].stride, t->strides, sizeof t->strides);
            out[i].tensor = &tensors[i];
            out[i].dtype = t->dtype;
            out[i].rank = t->rank;
        } else if (!tg_param_is_tensor(&sig->params[i])) {
            out[i].scalar = (tg_scalar){.dtype = args[i].is_float ? TG_F64 : TG_I64};
            out[i].scalar.f = args[i].is_float ? args[i].scalar.f : 0;
            out[i].scalar.i = args[i].is_float ? 0 : args[i].scalar.i;
            out[i].dtype = out[i].scalar.dtype;
        }
    }
}

/* The name of a constant: a const dimension or scalar. */
static const char *constant_name(const tg_signature *sig, uint32_t slot) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].const_slot == (int32_t)slot) {
            return sig->dims[i].name;
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        if (sig->params[i].const_slot == (int32_t)slot) {
            return sig->params[i].name;
        }
    }
    return "a constant";
}

static bool has_tensors(const tg_signature *sig, const tg_aot_kernel *k, const tg_launch_arg *args, char *message) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        bool absent = k->absent >> i & 1;
        if (tg_param_is_tensor(&sig->params[i]) && absent != !args[i].tensor) {
            (void)tg_format(message, MESSAGE_SIZE, absent ? "compiled for launches without %s, which is given" : "%s is null, but compiled as given",
                            sig->params[i].name);
            return false;
        }
    }
    return true;
}

/* The launch's types, constants and optional tensors must be those of the object. */
static bool is_variant(const tg_signature *sig, const tg_aot_kernel *k, const tg_launch_arg *args,
                       const tg_launch_binding *b, char *message) {
    for (uint32_t i = 0; i < sig->n_tparams && i < k->n_types; i++) {
        if (b->types[i] != k->types[i]) {
            (void)tg_format(message, MESSAGE_SIZE, "compiled for %s = %s, launched with %s",
                            sig->tparams[i].name, tg_dtype_name(k->types[i]),
                            tg_dtype_name(b->types[i]));
            return false;
        }
    }
    if (!has_tensors(sig, k, args, message)) {
        return false;
    }
    for (uint32_t i = 0; i < sig->n_consts && i < k->n_consts; i++) {
        const tg_scalar *c = &b->consts[i];
        double v = tg_dtype_is_float(c->dtype) ? c->f : (double)c->i;
        if (v != k->consts[i] && !(v != v && k->consts[i] != k->consts[i])) {
            (void)tg_format(message, MESSAGE_SIZE,
                            "compiled for %s = %.17g, launched with %.17g", constant_name(sig, i),
                            k->consts[i], v);
            return false;
        }
    }
    return true;
}

tg_status tg_aot_launch(tg_aot *rt, const tg_aot_kernel *kernel, const tg_aot_arg *args,
                        uint32_t n_args) {
    if (!rt || !kernel || (n_args && !args)) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    char message[MESSAGE_SIZE];
    if (kernel->struct_size < sizeof *kernel || kernel->abi_version != TG_ABI_VERSION) {
        (void)tg_format(message, sizeof message, "built for version %d of the runtime, this one is version %d: build it again with this tegula",
                        (int)kernel->abi_version, TG_ABI_VERSION);
        return fail(rt, TG_ERROR_INVALID_ARGUMENT, kernel->name, message);
    }
    tg_status s = TG_OK;
    const known *k = find_kernel(rt, kernel, &s);
    const tg_signature *sig = k ? k->signature : NULL;
    if (s != TG_OK) {
        return fail(rt, s, kernel->name, tg_status_name(s));
    }
    if (!sig || n_args != sig->n_params) {
        return fail(rt, TG_ERROR_INVALID_ARGUMENT, kernel->name,
                    sig ? "wrong number of arguments" : "the signature cannot be read");
    }
    if (!k->runs) {
        (void)tg_format(message, sizeof message, "this processor cannot run %s code", kernel->arch);
        return fail(rt, TG_ERROR_UNSUPPORTED, kernel->name, message);
    }
    tg_launch_arg launch[TG_MAX_PARAMS];
    tg_tensor_arg tensors[TG_MAX_PARAMS];
    tg_launch_binding b;
    make_args(sig, args, launch, tensors);
    s = tg_signature_bind(sig, launch, n_args, &b, message, sizeof message);
    if (s == TG_OK) {
        s = is_variant(sig, kernel, launch, &b, message) ? TG_OK : TG_ERROR_INVALID_ARGUMENT;
    }
    if (s == TG_OK) {
        s = tg_signature_check_memory(sig, launch, n_args, message, sizeof message);
    }
    if (s == TG_OK) {
        tg_cell cells[TG_MAX_PARAMS];
        const void *pointers[TG_MAX_PARAMS];
        tg_cells_fill(sig, launch, b.types, cells, pointers);
        s = tg_host_launch(rt->host, kernel->entry, pointers,
                           (kernel->flags & FLAG_PRINTS) != 0, message, sizeof message);
    }
    return s ? fail(rt, s, kernel->name, message) : TG_OK;
}
