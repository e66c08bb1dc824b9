// What the threads of a block do together: sums in a fixed order, scans, and the sum over all blocks.

extern __shared__ double pool[];          // all shared memory: first `slots`, one number for each thread

// The sum over a block, in every thread of it.
__device__ inline double block_sum(double value, double* slots) {
    const unsigned lanes = blockDim.x < 32 ? blockDim.x : 32;
    const unsigned all = lanes == 32 ? 0xffffffffu : (1u << lanes) - 1;
    for (unsigned offset = lanes / 2; offset > 0; offset /= 2) value += __shfl_down_sync(all, value, offset);
    if (threadIdx.x % lanes == 0) slots[threadIdx.x / lanes] = value;
    __syncthreads();
    double total = 0;
    for (unsigned warp = 0; warp < blockDim.x / lanes; ++warp) total += slots[warp];
    __syncthreads();
    return total;
}

// Adds a count of each thread to one number in shared memory: a warp first, then one atomic for each.
__device__ inline void block_add(Count value, Tally* sum) {
    const unsigned lanes = blockDim.x < 32 ? blockDim.x : 32;
    const unsigned all = lanes == 32 ? 0xffffffffu : (1u << lanes) - 1;
    for (unsigned offset = lanes / 2; offset > 0; offset /= 2) value += __shfl_down_sync(all, value, offset);
    if (threadIdx.x % lanes == 0) atomicAdd(sum, static_cast<Tally>(value));
}

// Replaces each of `size` numbers by the sum of those up to it, from the front or from the back.
// Each thread adds a stretch of its own.
template <class Number>
__device__ inline void block_scan(Number* numbers, Count size, bool from_back, Number* slots) {
    const Count stretch = (size + blockDim.x - 1) / blockDim.x;
    const Count begin = threadIdx.x * stretch < size ? threadIdx.x * stretch : size;
    const Count end = begin + stretch < size ? begin + stretch : size;
    Number sum = 0;
    for (Count i = begin; i < end; ++i) {
        Number& number = numbers[from_back ? size - 1 - i : i];
        number = sum += number;
    }
    slots[threadIdx.x] = sum;
    __syncthreads();
    for (unsigned offset = 1; offset < blockDim.x; offset *= 2) {
        const Number before = threadIdx.x >= offset ? slots[threadIdx.x - offset] : 0;
        __syncthreads();
        slots[threadIdx.x] += before;
        __syncthreads();
    }
    const Number before = threadIdx.x > 0 ? slots[threadIdx.x - 1] : 0;
    for (Count i = begin; i < end; ++i) numbers[from_back ? size - 1 - i : i] += before;
    __syncthreads();
}

// Sum or mean over the batch. Each thread brings the losses of its rows; the block that finishes
// last adds the sums of all blocks, in the order of the blocks.
__device__ inline void reduce_over_rows(const Task& task, double mine, double* slots) {
    const double sum = block_sum(mine, slots);
    if (threadIdx.x == 0) {
        task.partial[1 + blockIdx.x] = sum;
        __threadfence();
        slots[0] = atomicAdd(reinterpret_cast<Tally*>(task.partial), Tally(1)) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (slots[0] == 0) return;
    __syncthreads();
    const volatile double* partial = task.partial + 1;
    double part = 0;
    for (unsigned block = threadIdx.x; block < gridDim.x; block += blockDim.x) part += partial[block];
    const double total = block_sum(part, slots);
    if (threadIdx.x == 0) *task.result = FORMAT::store(task.reduction == 2 ? total / task.rows : total);
}
