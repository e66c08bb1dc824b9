// The multi-label margin loss: one block for each row, or one thread where rows are short.
//
// A row's labels are those before its first negative one. With a its labels' scores and v = 1 + s
// for each other class, a pair is active iff a < v and adds v - a. Few labels: every pair. Many:
// with the a sorted and k = #{a < v}, the pairs of one v add up to
//
//     k (v - a_k) + G_k,        G_k = sum over j < k of j (a_(j+1) - a_j)
//
// in which no term is negative, so nothing cancels. The derivative to s is k / C, that to the label
// of rank r is -#{k >= r} / C: a histogram of the k, summed from the back.

const int MOST = 8;                       // labels of the direct form, at most

// What a row was seen to hold: a label beyond the last class, and what is not finite.
enum { BEYOND = 1, LABEL_NAN = 2, LABEL_UP = 4, LABEL_DOWN = 8, OTHER_NAN = 16, OTHER_UP = 32, OTHER_DOWN = 64 };
const unsigned OTHER = 128;               // a class that is no label
const unsigned SPECIAL_LABEL = LABEL_NAN | LABEL_UP | LABEL_DOWN;
const unsigned SPECIAL_OTHER = OTHER_NAN | OTHER_UP | OTHER_DOWN;

// What the threads of a block share about a row, and where they keep their lists.
struct Found {
    Tally length;                         // labels of the row
    Tally active[MOST];                   // active pairs of each label, in the direct form
    unsigned seen;
    unsigned padding;
};

struct Memory {
    double* slots;
    Found* found;
    double* sums;                         // G, or the histogram as Tally
    Wide* keys;
    unsigned* counts;                     // how often each class is a label; all 0 between rows
    unsigned char* far;                   // the same lists for rows that do not fit shared memory
};

struct Row {
    const Stored* scores;
    const Label* labels;
    Stored* result;                       // the row's gradient
    Count length, classes;                // labels, and classes
    double scale;                         // what a count is multiplied by
};

__device__ inline unsigned kind(Wide score) {   // 1 NaN, 2 +inf, 4 -inf, 0 finite
    return score != score ? 1 : score > largest(score) ? 2 : score < -largest(score) ? 4 : 0;
}

__device__ inline double margin_of(Wide score) { return 1.0 + static_cast<double>(score); }

// Order keys that leave every comparison a < v as the formula has it: a pair of NaN, or of the same
// infinity, is active.
__device__ inline Wide label_key(Wide a) {
    return a != a ? -static_cast<Wide>(infinity()) : a > largest(a) ? largest(a) : a;
}

// For a finite a, a < v is the same as a < (v rounded up), so that float keys order double values.
__device__ inline Wide other_key(Wide score) {
    const double v = margin_of(score);
    const Wide key = round_up(v, static_cast<Wide>(v)), most = largest(score);
    if (score != score || score > most) return static_cast<Wide>(infinity());
    return key < -most ? -most : key > most ? most : key;
}

__device__ inline Memory memory_of(const Task& task) {
    Memory memory;
    memory.slots = pool;
    memory.found = reinterpret_cast<Found*>(pool + blockDim.x);
    memory.sums = reinterpret_cast<double*>(memory.found + 1);
    memory.keys = reinterpret_cast<Wide*>(memory.sums + task.keys);
    memory.far = task.scratch + blockIdx.x * task.stretch;
    memory.counts = reinterpret_cast<unsigned*>(memory.keys + task.keys);
    if (task.classes > task.shared_classes) memory.counts = reinterpret_cast<unsigned*>(memory.far + 24 * task.classes);
    for (Count i = threadIdx.x; i < task.classes; i += blockDim.x) memory.counts[i] = 0;
    __syncthreads();
    return memory;
}

// How many labels stand before the first negative one.
__device__ inline Count find_length(const Label* labels, Count classes, Found* found) {
    if (threadIdx.x == 0) {
        found->length = static_cast<Tally>(classes);
        found->seen = 0;
    }
    if (threadIdx.x < MOST) found->active[threadIdx.x] = 0;
    for (Count start = 0; start < classes; start += blockDim.x) {
        const Count i = start + threadIdx.x;
        const bool ends = i < classes && labels[i] < 0;
        if (__syncthreads_or(ends)) {
            if (ends) atomicMin(&found->length, static_cast<Tally>(i));
            break;
        }
    }
    __syncthreads();
    return static_cast<Count>(found->length);
}

__device__ inline Row row_of(const Task& task, Count row, Found* found) {
    const Count start = row * task.classes;
    const Label* const labels = static_cast<const Label*>(task.target) + start;
    const Count length = find_length(labels, task.classes, found);
    return {task.scores + start, labels, task.result + start, length, task.classes, 0};
}

__device__ inline bool names_class(Label label, Count classes) { return static_cast<Count>(label) < classes; }

// Counts the labels of a row, keeps the scores of the first `direct`, and notes what is special.
__device__ inline void mark_labels(const Row& row, Count direct, const Memory& memory) {
    unsigned seen = 0;
    for (Count j = threadIdx.x; j < row.length; j += blockDim.x) {
        const Label label = row.labels[j];
        if (!names_class(label, row.classes)) {
            seen |= BEYOND;
            continue;
        }
        const Wide score = FORMAT::load(row.scores[label]);
        atomicAdd(&memory.counts[label], 1u);
        seen |= kind(score) * LABEL_NAN;
        if (j < direct) memory.keys[j] = score;
    }
    if (seen) atomicOr(&memory.found->seen, seen);
    __syncthreads();
}

__device__ inline void unmark_labels(const Row& row, const Memory& memory) {
    for (Count j = threadIdx.x; j < row.length; j += blockDim.x)
        if (names_class(row.labels[j], row.classes)) atomicExch(&memory.counts[row.labels[j]], 0u);
}

// The keys of a row's labels, sorted: in shared memory, or in sorted stretches that are merged.
__device__ inline const Wide* sorted_keys(const Row& row, Count room, const Memory& memory) {
    Wide* const far = reinterpret_cast<Wide*>(memory.far + 8 * row.classes);
    for (Count start = 0; start < row.length; start += room) {
        const Count here = row.length - start < room ? row.length - start : room;
        unsigned size = 2;
        while (size < here) size *= 2;
        for (unsigned j = threadIdx.x; j < size; j += blockDim.x)
            memory.keys[j] = j < here ? label_key(FORMAT::load(row.scores[row.labels[start + j]])) : Wide(infinity());
        __syncthreads();
        sort_near(memory.keys, size);
        if (row.length <= room) return memory.keys;
        for (Count j = threadIdx.x; j < here; j += blockDim.x) far[start + j] = memory.keys[j];
    }
    __syncthreads();
    return merge_runs(far, far + row.classes, row.length, room);
}

__device__ inline double* sums_of(const Row& row, Count room, const Memory& memory) {
    return row.length <= room ? memory.sums : reinterpret_cast<double*>(memory.far);
}

// A thread's share of the sum over all pairs.
__device__ inline double direct_loss(const Row& row, const Memory& memory) {
    double sum = 0;
    for (Count i = threadIdx.x; i < row.classes; i += blockDim.x) {
        if (memory.counts[i]) continue;
        const double v = margin_of(FORMAT::load(row.scores[i]));
        for (Count j = 0; j < row.length; ++j) {
            const double gap = v - memory.keys[j];
            if (!(gap <= 0)) sum += gap;
        }
    }
    return sum;
}

// The same by ranks; what is special among the other classes is noted.
__device__ inline double sorted_loss(const Row& row, Count room, const Memory& memory) {
    const bool special = memory.found->seen & SPECIAL_LABEL;
    const Wide* const keys = sorted_keys(row, room, memory);
    double* const below = sums_of(row, room, memory);
    for (Count j = threadIdx.x; j < row.length; j += blockDim.x)
        below[j] = j ? j * (static_cast<double>(keys[j]) - static_cast<double>(keys[j - 1])) : 0.0;
    __syncthreads();
    block_scan(below, row.length, false, memory.slots);
    double sum = 0;
    unsigned seen = 0;
    for (Count i = threadIdx.x; i < row.classes; i += blockDim.x) {
        if (memory.counts[i]) continue;
        const Wide score = FORMAT::load(row.scores[i]);
        seen |= OTHER | kind(score) * OTHER_NAN;
        const Count k = rank_of(keys, row.length, other_key(score), false);
        if (k) sum += k * (margin_of(score) - keys[k - 1]) + below[k - 1];
    }
    if ((seen & SPECIAL_OTHER) || (seen && special)) atomicOr(&memory.found->seen, seen);
    return sum;
}

// NaN or infinite where a pair is; the sum itself holds no such pair.
__device__ inline double with_special_pairs(double sum, unsigned seen) {
    const bool others = seen & (OTHER | SPECIAL_OTHER);
    if ((seen & BEYOND) || (seen & OTHER_NAN) || ((seen & LABEL_NAN) && others)) return not_a_number();
    if ((seen & LABEL_UP) && (seen & OTHER_UP)) return not_a_number();
    if ((seen & LABEL_DOWN) && (seen & OTHER_DOWN)) return not_a_number();
    return (seen & OTHER_UP) || ((seen & LABEL_DOWN) && others) ? infinity() : sum;
}

extern "C" __global__ void __launch_bounds__(512, 2) margin_forward(Task task) {
    const Memory memory = memory_of(task);
    double mine = 0;
    for (Count at = task.first + blockIdx.x; at < task.rows; at += gridDim.x) {
        const Row row = row_of(task, at, memory.found);
        mark_labels(row, task.direct, memory);
        const bool beyond = memory.found->seen & BEYOND, direct = row.length <= task.direct;
        double sum = 0;
        if (!beyond) sum = direct ? direct_loss(row, memory) : sorted_loss(row, task.keys, memory);
        sum = block_sum(sum, memory.slots);
        unmark_labels(row, memory);
        if (threadIdx.x != 0) continue;
        if (beyond || !direct) sum = with_special_pairs(sum, memory.found->seen);
        mine += sum / task.classes;
        if (task.reduction == 0) task.result[at] = FORMAT::store(sum / task.classes);
    }
    if (task.reduction != 0) reduce_over_rows(task, mine, memory.slots);
}

// Derivatives of the other classes, and how many active pairs each label has.
__device__ inline const Tally* direct_slopes(const Row& row, const Memory& memory) {
    Count active[MOST];
    Wide label_keys[MOST];
#pragma unroll
    for (int j = 0; j < MOST; ++j) {
        active[j] = 0;
        label_keys[j] = j < row.length ? label_key(memory.keys[j]) : Wide(0);
    }
    for (Count i = threadIdx.x; i < row.classes; i += blockDim.x) {
        if (memory.counts[i]) continue;
        const Wide key = other_key(FORMAT::load(row.scores[i]));
        int k = 0;
#pragma unroll
        for (int j = 0; j < MOST; ++j) {
            const int on = j < row.length && label_keys[j] < key;
            active[j] += on;
            k += on;
        }
        row.result[i] = FORMAT::store(k * row.scale);
    }
#pragma unroll
    for (int j = 0; j < MOST; ++j)
        if (j < row.length) block_add(active[j], &memory.found->active[j]);
    __syncthreads();
    return memory.found->active;
}

// The same by ranks: a histogram of the k, summed from the back.
__device__ inline const Tally* sorted_slopes(const Row& row, Count room, const Wide* keys, const Memory& memory) {
    Tally* const tallies = reinterpret_cast<Tally*>(sums_of(row, room, memory));
    for (Count j = threadIdx.x; j < row.length; j += blockDim.x) tallies[j] = 0;
    __syncthreads();
    for (Count i = threadIdx.x; i < row.classes; i += blockDim.x) {
        if (memory.counts[i]) continue;
        const Count k = rank_of(keys, row.length, other_key(FORMAT::load(row.scores[i])), false);
        if (k) atomicAdd(&tallies[k - 1], Tally(1));
        row.result[i] = FORMAT::store(k * row.scale);
    }
    __syncthreads();
    block_scan(tallies, row.length, true, reinterpret_cast<Tally*>(memory.slots));
    return tallies;
}

// Derivatives of the labels: each class once, by whichever thread takes its count. Without keys, in the labels' order.
__device__ inline void label_slopes(const Row& row, const Wide* keys, const Tally* tallies, const Memory& memory) {
    for (Count j = threadIdx.x; j < row.length; j += blockDim.x) {
        const Label label = row.labels[j];
        const unsigned count = atomicExch(&memory.counts[label], 0u);
        if (count == 0) continue;
        const Count place = keys ? rank_of(keys, row.length, label_key(FORMAT::load(row.scores[label])), false) : j;
        row.result[label] = FORMAT::store(-static_cast<double>(count) * tallies[place] * row.scale);
    }
}

__device__ inline void beyond_slopes(const Row& row, const Memory& memory) {
    for (Count i = threadIdx.x; i < row.classes; i += blockDim.x) row.result[i] = FORMAT::store(not_a_number());
    unmark_labels(row, memory);
}

extern "C" __global__ void __launch_bounds__(512, 2) margin_backward(Task task) {
    const Memory memory = memory_of(task);
    for (Count at = task.first + blockIdx.x; at < task.rows; at += gridDim.x) {
        Row row = row_of(task, at, memory.found);
        row.scale = upstream(task, at) / divisor(task);
        mark_labels(row, task.direct, memory);
        if (memory.found->seen & BEYOND) {
            beyond_slopes(row, memory);
        } else if (row.length <= task.direct) {
            label_slopes(row, nullptr, direct_slopes(row, memory), memory);
        } else {
            const Wide* const keys = sorted_keys(row, task.keys, memory);
            label_slopes(row, keys, sorted_slopes(row, task.keys, keys, memory), memory);
        }
        __syncthreads();
    }
}
