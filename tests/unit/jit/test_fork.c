/* A child of fork() has no thread but the one that forked: it launches, compiles in the background and ends the context all the same. */
#include "jit_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static tg_context *c;
static tg_module *m;

static bool launches(float alpha) {
    const int64_t n = 300000;
    tg_tensor *x = jit_tensor_f32(c, n, 1, 0), *y = jit_tensor_f32(c, n, 3, 0);
    bool ok = tg_launch(tg_module_kernel(m, "axpy"), TG_ARGS(x, y, alpha)) == TG_OK;
    for (int64_t i = 0; i < n && ok; i++) {
        ok = ((float *)tg_tensor_data(y))[i] == 3 + alpha;
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    return ok;
}

static tg_status compile_later(const char *type) {
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = &type, .n_bindings = 1};
    return tg_kernel_prepare_async(tg_module_kernel(m, "gemm"), &spec);
}

static uint32_t n_variants(void) {
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    (void)tg_kernel_get_stats(tg_module_kernel(m, "gemm"), &stats);
    return stats.n_variants;
}

static int n_threads(void) {
    int n = -2; /* . and .. */
    DIR *dir = opendir("/proc/self/task");
    while (dir && readdir(dir)) {
        n++;
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

/* What went wrong, by number; 0: nothing. */
static int live_as_child(void) {
    alarm(60); /* waits for good fail */
    if (n_threads() != 1 || n_variants() != 2) { /* what was queued is compiled */
        return 1;
    }
    if (!launches(2) || n_threads() != 2) {
        return 2;
    }
    if (compile_later("T=bf16") || tg_kernel_wait(tg_module_kernel(m, "gemm")) || n_variants() != 3) {
        return 3;
    }
    pid_t grandchild = fork();
    if (grandchild == 0) {
        _exit(!launches(5));
    }
    int status;
    if (waitpid(grandchild, &status, 0) < 0 || status || !launches(3)) {
        return 4;
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return n_threads() == 1 ? 0 : 5;
}

/* The parent's threads at a fork: spinning for a while after a launch, asleep later, compiling. */
Test(jit, forks, .timeout = 200) {
    for (int i = 0; i < 6; i++) {
        c = jit_context(NULL, 0, 0);
        m = jit_module(c);
        cr_assert(launches(1));
        cr_assert_eq(compile_later("T=f64"), TG_OK);
        cr_assert_eq(compile_later("T=f16"), TG_OK);
        nanosleep(&(struct timespec){0, i % 3 * 20000000}, NULL);
        pid_t child = fork();
        if (child == 0) {
            _exit(live_as_child());
        }
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "round %d: code %d, signal %d", i, WEXITSTATUS(status), WTERMSIG(status));
        cr_expect(launches(4) && n_variants() == 2);
        cr_assert_eq(compile_later("T=f32"), TG_OK);
        cr_assert_eq(tg_kernel_wait(tg_module_kernel(m, "gemm")), TG_OK);
        tg_module_destroy(m);
        tg_context_destroy(c);
    }
}
