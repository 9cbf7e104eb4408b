/* The public API from many host threads at once, each scene starting together at a barrier: one kernel that nobody has
 * compiled, a different kernel in each thread, prepares in the background while others launch, transforms by one plan, modules that come
 * and go, several contexts on one cache directory, launches from inside a callback of a launch. */
#define _GNU_SOURCE
#include "tegula/ops.h"
#include "tests/unit/jit/jit_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(c)                                                                               \
    ((c) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c), exit(1)))

enum { N_THREADS = 8, N = 3000 };

typedef struct scene {
    tg_context *context;
    tg_module *module;
    tg_call *call, *strided;
    tg_fft_plan *plan;
    tg_fft_convolution *convolution;
    const char *cache;
    pthread_barrier_t start;
    void (*body)(const struct scene *s, int i);
} scene;

typedef struct actor {
    scene *scene;
    int i;
    pthread_t thread;
} actor;

static void *act(void *user) {
    actor *a = user;
    pthread_barrier_wait(&a->scene->start);
    a->scene->body(a->scene, a->i);
    return NULL;
}

static void play(scene *s, void (*body)(const scene *, int)) {
    actor actors[N_THREADS];
    s->body = body;
    CHECK(pthread_barrier_init(&s->start, NULL, N_THREADS) == 0);
    for (int i = 0; i < N_THREADS; i++) {
        actors[i] = (actor){.scene = s, .i = i};
        CHECK(pthread_create(&actors[i].thread, NULL, act, &actors[i]) == 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(actors[i].thread, NULL);
    }
    pthread_barrier_destroy(&s->start);
}

static uint32_t n_variants(const tg_module *m, const char *kernel) {
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    CHECK(tg_kernel_get_stats(tg_module_kernel(m, kernel), &stats) == TG_OK);
    return stats.n_variants;
}

/* y = k * x, through the variant for k. */
static void launch_scale(tg_context *c, const tg_module *m, int k) {
    tg_tensor *x = jit_tensor_f32(c, N, 1, 1), *y = jit_tensor_f32(c, N, 0, 0);
    CHECK(tg_launch(tg_module_kernel(m, "scale"), TG_ARGS(x, (void *)0, y, k)) == TG_OK);
    CHECK(((float *)tg_tensor_data(y))[N - 1] == (float)N * (float)k);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

static void launch_same(const scene *s, int i) {
    (void)i;
    launch_scale(s->context, s->module, 3);
}

static void launch_axpy(const scene *s) {
    tg_tensor *x = jit_tensor_f32(s->context, N, 1, 0),
              *y = jit_tensor_f32(s->context, N, 2, 0);
    CHECK(tg_launch(tg_module_kernel(s->module, "axpy"), TG_ARGS(x, y, 4.0f)) == TG_OK);
    CHECK(((float *)tg_tensor_data(y))[7] == 6.0f);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

static void launch_gemm(const scene *s, tg_dtype dtype) {
    tg_tensor *t[3];
    for (int i = 0; i < 3; i++) {
        t[i] = tg_tensor_create(s->context, dtype, 2, (int64_t[]){40, 40});
        CHECK(t[i]);
    }
    CHECK(tg_launch(tg_module_kernel(s->module, "gemm"), TG_ARGS(t[0], t[1], t[2])) == TG_OK);
    for (int i = 0; i < 3; i++) {
        tg_tensor_release(t[i]);
    }
}

static void launch_total(const scene *s) {
    tg_tensor *x = jit_tensor_f32(s->context, N, 1, 0),
              *sum = jit_tensor_f32(s->context, 1, 0, 0);
    CHECK(tg_launch(tg_module_kernel(s->module, "total"), TG_ARGS(x, sum)) == TG_OK);
    CHECK(((float *)tg_tensor_data(sum))[0] == (float)N);
    tg_tensor_release(x);
    tg_tensor_release(sum);
}

static void launch_different(const scene *s, int i) {
    for (int repeat = 0; repeat < 3; repeat++) {
        switch (i) {
        case 0:
            launch_axpy(s);
            break;
        case 1:
            launch_gemm(s, TG_F32);
            break;
        case 2:
            launch_gemm(s, TG_F64);
            break;
        case 3:
            launch_gemm(s, TG_BF16);
            break;
        case 4:
            launch_total(s);
            break;
        default:
            launch_scale(s->context, s->module, 10 + i);
            break;
        }
    }
}

static void prepare_and_launch(const scene *s, int i) {
    tg_kernel *scale = tg_module_kernel(s->module, "scale");
    char binding[16];
    snprintf(binding, sizeof binding, "k=%d", 100 + i / 2);
    const char *bindings[] = {binding}, *absent[] = {"bias"};
    tg_kernel_spec spec = {.struct_size = sizeof spec,
                           .bindings = bindings,
                           .n_bindings = 1,
                           .absent = absent,
                           .n_absent = 1};
    CHECK(tg_kernel_prepare_async(scale, &spec) == TG_OK);
    if (i % 2) {
        CHECK(tg_kernel_wait(scale) == TG_OK);
    }
    launch_scale(s->context, s->module, 100 + i / 2);
    CHECK(tg_kernel_wait(scale) == TG_OK);
}

/* One call for all threads, on data of their own; calls come and go at the same time. */
static void run_call(const scene *s, int i) {
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    CHECK(x && y);
    for (int repeat = 0; repeat < 20; repeat++) {
        for (int k = 0; k < N; k++) {
            x[k] = (float)(i + k);
        }
        CHECK(tg_call_run_on(s->call, (void *[]){x, NULL, y}, 3) == TG_OK);
        CHECK(y[N - 1] == 3 * (float)(N - 1 + i));
        tg_tensor *t = jit_tensor_f32(s->context, 5, 1, 1), *u = jit_tensor_f32(s->context, 5, 1, 1);
        tg_call *mine;
        CHECK(tg_call_create(tg_module_kernel(s->module, "axpy"), TG_ARGS(t, u), NULL, &mine) == TG_OK);
        CHECK(tg_call_run(mine) == TG_OK);
        tg_call_destroy(mine);
        tg_tensor_release(t);
        tg_tensor_release(u);
    }
    free(x);
    free(y);
}

/* A stride for which the call finds its code at the first run, which all threads do at once. */
static void run_strided(const scene *s, int i) {
    float *y = malloc(N * sizeof *y);
    CHECK(y && i < N);
    CHECK(tg_call_run_on(s->strided, (void *[]){NULL, NULL, y}, 3) == TG_OK);
    CHECK(y[2] == 3 * 5);
    free(y);
}

static void play_calls(scene *s) {
    tg_tensor *x = jit_tensor_f32(s->context, 2 * N, 1, 1), *y = jit_tensor_f32(s->context, N, 0, 0);
    tg_tensor *first = tg_tensor_slice(x, 0, 0, N), *odd = tg_tensor_view(x, 1, (int64_t[]){N}, (int64_t[]){2}, 0);
    tg_kernel *scale = tg_module_kernel(s->module, "scale");
    CHECK(tg_call_create(scale, TG_ARGS(first, (void *)0, y, 3), NULL, &s->call) == TG_OK);
    CHECK(tg_call_create(scale, TG_ARGS(odd, (void *)0, y, 3), NULL, &s->strided) == TG_OK);
    play(s, run_call);
    play(s, run_strided);
    tg_call_destroy(s->call);
    tg_call_destroy(s->strided);
    tg_tensor *all[] = {x, y, first, odd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

static void load_and_drop(const scene *s, int i) {
    tg_module *m = jit_module(s->context);
    launch_scale(s->context, m, i % 2);
    CHECK(n_variants(m, "scale") == 1);
    tg_module_destroy(m);
    tg_module *broken;
    CHECK(tg_module_load_text(s->context, "b.dsl", "kernel (", 8, &broken) != TG_OK);
    CHECK(tg_last_error(s->context)[0] != '\0');
}

/* One plan and one convolution for all threads, on data of their own, while other plans come and go. */
static void transform(const scene *s, int i) {
    enum { LENGTH = 240, ROWS = 6 };
    int64_t shape[] = {ROWS, LENGTH}, length = 16 + i % 3, filter = 9, sum = LENGTH + filter - 1;
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    tg_tensor *x = tg_tensor_create(s->context, TG_C32, 2, shape), *y = tg_tensor_create(s->context, TG_C32, 2, shape);
    tg_tensor *a = jit_tensor_f32(s->context, LENGTH, 1, 0), *h = jit_tensor_f32(s->context, filter, 1, 0),
              *b = jit_tensor_f32(s->context, sum, 0, 0);
    CHECK(x && y);
    for (int repeat = 0; repeat < 5; repeat++) {
        float *in = tg_tensor_data(x), *out = tg_tensor_data(y);
        for (int k = 0; k < 2 * ROWS * LENGTH; k++) {
            in[k] = k % 2 ? 0 : (float)(i + 1);
        }
        CHECK(tg_fft_execute(s->plan, x, y) == TG_OK);
        CHECK(out[0] == (float)(LENGTH * (i + 1)) && out[2 * (ROWS - 1) * LENGTH] == out[0]);
        tg_fft_plan *mine;
        CHECK(tg_fft_plan_create(s->context, 1, &length, &o, &mine) == TG_OK);
        tg_fft_plan_destroy(mine);
        CHECK(tg_fft_convolve(s->convolution, a, h, b) == TG_OK);
        float middle = ((float *)tg_tensor_data(b))[LENGTH / 2] - (float)filter;
        CHECK(middle < 1e-3f && middle > -1e-3f);
    }
    tg_tensor *all[] = {x, y, a, h, b};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        tg_tensor_release(all[k]);
    }
}

static void play_transforms(scene *s) {
    int64_t length = 240;
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    tg_fft_convolution_options co = TG_FFT_CONVOLUTION_OPTIONS_INIT;
    CHECK(tg_fft_plan_create(s->context, 1, &length, &o, &s->plan) == TG_OK);
    CHECK(tg_fft_convolution_create(s->context, length, 9, &co, &s->convolution) == TG_OK);
    play(s, transform);
    tg_fft_plan_destroy(s->plan);
    tg_fft_convolution_destroy(s->convolution);
}

static void share_cache(const scene *s, int i) {
    (void)i;
    tg_context *c = jit_context(s->cache, 0, 0);
    tg_module *m = jit_module(c);
    launch_scale(c, m, 5);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* The text of a `print` arrives on a thread of the pool; what it starts there is done by that thread alone. */
typedef struct inner {
    tg_context *context;
    tg_module *module;
} inner;

static void launch_inside(void *user, const char *text, size_t n) {
    const inner *in = user;
    (void)text;
    CHECK(n > 0);
    launch_scale(in->context, in->module, 2);
}

static void launch_nested(const scene *s, int i) {
    (void)i;
    inner in = {s->context, s->module};
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.print = launch_inside;
    o.print_user = &in;
    tg_context *c;
    CHECK(tg_context_create(&o, &c) == TG_OK);
    tg_module *m = jit_module(c);
    tg_tensor *x = jit_tensor_f32(c, 4, 1, 1);
    CHECK(tg_launch(tg_module_kernel(m, "speak"), TG_ARGS(x)) == TG_OK);
    tg_tensor_release(x);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

int main(void) {
    scene s = {.context = jit_context(NULL, 0, 0)};
    s.module = jit_module(s.context);
    play(&s, launch_same);
    CHECK(n_variants(s.module, "scale") == 1); /* compiled once */
    play(&s, launch_different);
    CHECK(n_variants(s.module, "gemm") == 3);
    play(&s, prepare_and_launch);
    CHECK(n_variants(s.module, "scale") == 1 + 3 + 4);
    play(&s, load_and_drop);
    play_calls(&s);
    play_transforms(&s);
    play(&s, launch_nested);
    s.cache = test_temp_dir();
    play(&s, share_cache);
    test_remove_dir(s.cache);
    tg_module_destroy(s.module);
    tg_context_destroy(s.context);
    puts("ok");
    return 0;
}
