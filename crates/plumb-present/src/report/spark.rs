//! A row of numbers as a row of bars, one character each.

/// What bars are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bars {
    /// Blocks of eight heights.
    Blocks,
    /// Letters of seven bits, for terminals that know no others.
    Ascii,
}

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['.', ':', '-', '=', '+', '*', '%', '#'];

/// Draws numbers, oldest first, so that `most` (or, without it, the largest of them) is a full bar. What
/// is unknown is a blank, and 0 the lowest bar; anything above 0 is higher than that.
///
/// ```
/// use plumb_present::report::spark::{Bars, line};
///
/// let numbers = [Some(0.0), Some(1.0), None, Some(7.0)];
/// assert_eq!(line(&numbers, None, Bars::Blocks), "▁▂ █");
/// ```
pub fn line(numbers: &[Option<f64>], most: Option<f64>, bars: Bars) -> String {
    let heights = match bars {
        Bars::Blocks => BLOCKS,
        Bars::Ascii => ASCII,
    };
    let largest = numbers
        .iter()
        .flatten()
        .fold(0.0, |most: f64, number| most.max(*number));
    let most = most.filter(|most| *most > 0.0).unwrap_or(largest);
    let bar = |number: &Option<f64>| match number {
        None => ' ',
        Some(number) => {
            let height = height(*number, most);
            heights.get(height).copied().unwrap_or(' ')
        }
    };
    numbers.iter().map(bar).collect()
}

fn height(number: f64, most: f64) -> usize {
    if number <= 0.0 || most <= 0.0 {
        return 0;
    }
    let scaled = (number / most * 7.0).ceil().clamp(1.0, 7.0);
    (1..=7_u8)
        .find(|height| scaled <= f64::from(*height))
        .map_or(7, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_their_numbers_and_little_is_not_nothing() {
        let numbers: Vec<Option<f64>> = (0..=7).map(|n| Some(f64::from(n))).collect();
        assert_eq!(line(&numbers, None, Bars::Blocks), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&numbers, None, Bars::Ascii), ".:-=+*%#");
        let little = [Some(0.001), Some(0.0), Some(1000.0)];
        assert_eq!(line(&little, None, Bars::Ascii), ":.#");
    }

    #[test]
    fn a_limit_gives_the_scale_and_nothing_breaks_it() {
        assert_eq!(
            line(&[Some(5.0), Some(20.0)], Some(10.0), Bars::Ascii),
            "+#"
        );
        assert_eq!(line(&[Some(0.0), None], Some(0.0), Bars::Ascii), ". ");
        assert_eq!(line(&[Some(f64::NAN)], None, Bars::Ascii).len(), 1);
        assert_eq!(line(&[], None, Bars::Blocks), "");
    }
}
