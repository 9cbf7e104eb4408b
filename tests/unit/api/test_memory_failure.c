/* Every allocation of a whole session fails in turn: each call then reports it, nothing leaks, nothing crashes. Memory
 * that LLVM takes for itself is not part of this. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct counting {
    pthread_mutex_t lock;
    long n, fail_at, live;
} counting;

static void *counting_alloc(void *user, size_t size, size_t align) {
    counting *c = user;
    pthread_mutex_lock(&c->lock);
    int fails = ++c->n == c->fail_at;
    c->live += !fails;
    pthread_mutex_unlock(&c->lock);
    size_t rounded = (size + align - 1) / align * align;
    return fails ? NULL
                 : aligned_alloc(align < 16 ? 16 : align,
                                 rounded < 16 ? 16 : (rounded + 15) / 16 * 16);
}

static void counting_free(void *user, void *p, size_t size) {
    counting *c = user;
    (void)size;
    pthread_mutex_lock(&c->lock);
    c->live -= p != NULL;
    pthread_mutex_unlock(&c->lock);
    free(p);
}

static const char source[] =
    "kernel axpy<T: float>(in T X[N], inout T Y[N], const f32 alpha = 2.0)\n"
    "{\n    grid (i in N) Y[i] = T(f32(Y[i]) + alpha * f32(X[i]));\n}\n";

static tg_status use_tensors(tg_context *c, tg_module *m) {
    tg_tensor *x = tg_tensor_create(c, TG_F32, 1, (int64_t[]){100});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 1, (int64_t[]){200});
    tg_tensor *half = tg_tensor_slice(y, 0, 0, 100), *back = NULL;
    tg_dl_managed *capsule = NULL;
    tg_status s = x && half ? tg_launch(tg_module_kernel(m, "axpy"), TG_ARGS(x, half))
                            : TG_ERROR_OUT_OF_MEMORY;
    if (s == TG_OK) {
        s = tg_tensor_to_dlpack(x, &capsule);
    }
    if (s == TG_OK) {
        s = tg_tensor_from_dlpack(c, capsule, &back);
        if (s) {
            capsule->deleter(capsule);
        }
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(half);
    tg_tensor_release(back);
    return s;
}

static tg_status session(const tg_allocator *a) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.allocator = a;
    tg_context *c;
    tg_module *m = NULL;
    tg_status s = tg_context_create(&o, &c);
    if (s == TG_OK) {
        s = tg_module_load_text(c, "axpy.dsl", source, strlen(source), &m);
    }
    if (s == TG_OK) {
        s = use_tensors(c, m);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return s;
}

Test(memory, every_failure_is_reported, .timeout = 120) {
    counting c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    tg_allocator a = {counting_alloc, counting_free, &c};
    tg_status s = TG_ERROR_OUT_OF_MEMORY;
    long n = 0;
    while (s != TG_OK) {
        c.n = 0;
        c.fail_at = ++n;
        s = session(&a);
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "allocation %ld: %s", n,
                  tg_status_name(s));
        cr_assert_eq(c.live, 0, "allocation %ld: %ld leaked", n, c.live);
        cr_assert(n < 5000);
    }
    cr_assert(n > 20, "%ld", n);
}
