/* bench_start KERNEL_FILE CACHE_DIR: the smallest useful program, for the start-up measurement. Writes one byte to
 * standard output when the first result is there and right. */
#include <stdio.h>
#include <tegula/tegula.h>
#include <unistd.h>

enum { N = 1000 };

int main(int argc, char **argv) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    tg_context *context;
    tg_module *module;
    static float a[N], b[N], c[N];
    int64_t n = N;
    if (argc < 3) {
        return 2;
    }
    options.cache_dir = argv[2];
    if (tg_context_create(&options, &context) != TG_OK ||
        tg_module_load_file(context, argv[1], &module) != TG_OK) {
        return 1;
    }
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = 1;
    }
    tg_tensor *x = tg_tensor_from_memory(context, TG_F32, 1, &n, NULL, a, NULL, NULL);
    tg_tensor *y = tg_tensor_from_memory(context, TG_F32, 1, &n, NULL, b, NULL, NULL);
    tg_tensor *z = tg_tensor_from_memory(context, TG_F32, 1, &n, NULL, c, NULL, NULL);
    if (tg_launch(tg_module_kernel(module, "add"), TG_ARGS(x, y, z)) != TG_OK) {
        fputs(tg_last_error(context), stderr);
        return 1;
    }
    for (int i = 0; i < N; i++) {
        if (!(c[i] == (float)(i + 1))) {
            return 1;
        }
    }
    return write(1, ".", 1) == 1 ? 0 : 1;
}
