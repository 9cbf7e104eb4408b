kernel locked(inout i32 lock[1], inout f32 sum[1], in f32 X[N])
{
    grid (each i in N) {
        bool mine = false;
        while (!mine) {
            let old = atomic_cas(lock[0], 0, 1);
            mine = old == 0;
        }
        atomic sum[0] += X[i];
        atomic_exchange(lock[0], 0);
    }
}
